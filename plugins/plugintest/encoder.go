package plugintest

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"vsed/plugins/contract"
	"vsed/plugins/host"
	"vsed/plugins/selftest"
)

// Cosines between vectors of one input that the suite asks for.
const (
	sameCall  = 0.9999 // the same call again, or in another process
	sameInput = 0.99   // in another batch: 8-bit models choose their scales by batch
	projected = 0.999  // by way of the feature, which may be stored in 8 bits
)

// messageRoom is what one batch of the suite may have in bytes.
const messageRoom = contract.MessageLimit / 2

// encoderSuite is one encoder under test, as a host sees it and directly.
type encoderSuite struct {
	host        *host.EncoderHost
	process     *host.Process
	client      contract.EncoderClient
	description *contract.EncoderDescription
}

// Encoder tests the encoder that command starts; it starts two processes.
func Encoder(t *testing.T, command host.Command) {
	t.Helper()
	command = prepare(t, command, host.Encoder)
	suite := &encoderSuite{host: host.NewEncoder(command, host.Policy{}, quiet()), process: launch(t, command)}
	t.Cleanup(func() { suite.host.Close() })
	suite.client = contract.NewEncoderClient(suite.process.Connection())
	description, err := suite.host.Describe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	suite.description = description

	t.Run("describe is stable", suite.describe)
	t.Run("pictures in batches of any size", suite.batches)
	t.Run("pictures are kept in order", suite.order)
	t.Run("the same again, and in another process", suite.determinism)
	t.Run("pictures of a wrong size are refused", suite.wrongSizes)
	t.Run("texts of any kind", suite.texts)
	t.Run("a feature projects to its picture's vector", suite.project)
	t.Run("golden inputs pass the self-test", suite.golden)
	t.Run("unload", suite.unload)
	t.Run("concurrent calls", suite.concurrency)
	t.Run("calls that are given up", suite.abandonment)
	t.Run("ends with its host", func(t *testing.T) { endsWithItsHost(t, suite.process) })
}

func (s *encoderSuite) describe(t *testing.T) {
	for range 2 {
		description, err := s.client.Describe(t.Context(), &contract.DescribeRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if !proto.Equal(withoutMemory(description), withoutMemory(s.description)) {
			t.Errorf("two processes or calls describe the encoder as\n%v and\n%v", description, s.description)
		}
	}
}

// withoutMemory leaves out what is measured when a process starts.
func withoutMemory(description *contract.EncoderDescription) *contract.EncoderDescription {
	stable := proto.Clone(description).(*contract.EncoderDescription)
	stable.PictureMemory, stable.TextMemory = 0, 0
	return stable
}

// golden lets the host's own judge decide.
func (s *encoderSuite) golden(t *testing.T) {
	if _, err := selftest.Run(t.Context(), s.host, selftest.Limits{}); err != nil {
		t.Error(err)
	}
}

// unload checks that pictures are encoded as before after an unload.
func (s *encoderSuite) unload(t *testing.T) {
	pictures := s.pictures(1)
	before := s.encode(t, pictures)
	for range 2 {
		if err := s.host.Unload(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	s.encodeTexts(t, []string{"a dog on a beach"})
	if cosine := cosineOf(before[0], s.encode(t, pictures)[0]); cosine < sameCall {
		t.Errorf("a picture before and after an unload: cosine %.6f, want %v", cosine, sameCall)
	}
}

func (s *encoderSuite) batches(t *testing.T) {
	batch := int(s.description.GetBatch())
	larger := min(2*batch+1, messageRoom/s.pictureLength())
	pictures := s.pictures(max(larger, batch))
	reference := s.encode(t, pictures[:1])
	for _, size := range []int{1, batch, max(larger, 1)} {
		embeddings := s.encode(t, pictures[:size])
		if cosine := cosineOf(embeddings[0], reference[0]); cosine < sameInput {
			t.Errorf("picture 0 alone and in a batch of %d: cosine %.5f, want %v", size, cosine, sameInput)
		}
	}
}

// order compares each picture of a batch with all pictures alone.
func (s *encoderSuite) order(t *testing.T) {
	pictures := s.pictures(max(2, min(4, int(s.description.GetBatch()))))
	alone := make([]*contract.Embedding, len(pictures))
	for i := range pictures {
		alone[i] = s.encode(t, pictures[i:i+1])[0]
	}
	for i, embedding := range s.encode(t, pictures) {
		own := cosineOf(embedding, alone[i])
		for j := range alone {
			if other := cosineOf(embedding, alone[j]); other > own+1e-4 {
				t.Errorf("picture %d of a batch is nearer to picture %d alone (%.5f) than to itself (%.5f)", i, j, other, own)
			}
		}
	}
}

func (s *encoderSuite) determinism(t *testing.T) {
	pictures, texts := s.pictures(2), []string{"a dog on a beach", "two red boats"}
	here := slices.Concat(s.encode(t, pictures), s.encodeTexts(t, texts))
	again := slices.Concat(s.encode(t, pictures), s.encodeTexts(t, texts))
	pictureReply, err := s.client.EncodePictures(t.Context(), &contract.EncodePicturesRequest{Pictures: pictures})
	if err != nil {
		t.Fatal(err)
	}
	textReply, err := s.client.EncodeTexts(t.Context(), &contract.EncodeTextsRequest{Texts: texts})
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := slices.Concat(pictureReply.GetEmbeddings(), textReply.GetEmbeddings())
	for i := range here {
		if cosine := min(cosineOf(here[i], again[i]), cosineOf(here[i], elsewhere[i])); cosine < sameCall {
			t.Errorf("input %d again: cosine %.6f, want %v", i, cosine, sameCall)
		}
	}
}

func (s *encoderSuite) wrongSizes(t *testing.T) {
	good := s.pictures(1)[0]
	for _, picture := range [][]byte{nil, good[1:], append(slices.Clone(good), 0), make([]byte, 2*len(good))} {
		_, err := s.client.EncodePictures(t.Context(), &contract.EncodePicturesRequest{Pictures: [][]byte{good, picture}})
		what := fmt.Sprintf("a picture of %d bytes", len(picture))
		wantCode(t, what, err, codes.InvalidArgument)
		if err != nil && !strings.Contains(err.Error(), fmt.Sprint(len(picture))) {
			t.Errorf("%s: %v does not name its length", what, err)
		}
	}
	s.encode(t, [][]byte{good})
}

func (s *encoderSuite) texts(t *testing.T) {
	texts := []string{
		"", " ", "dog", "a dog on a beach", "ein Hund am Strand", "犬", "🐕🏖️", "e\u0301", "dog\x00beach\n\t",
		strings.Repeat("dog on beach ", 800), strings.Repeat("x", 100_000), strings.Repeat("🐕", 5_000),
	}
	together := s.encodeTexts(t, texts)
	for i, text := range texts {
		if cosine := cosineOf(together[i], s.encodeTexts(t, []string{text})[0]); cosine < sameInput {
			t.Errorf("text %d (%.20q) alone and among others: cosine %.5f, want %v", i, text, cosine, sameInput)
		}
	}
	if cosine := cosineOf(together[2], together[5]); cosine > sameCall {
		t.Errorf("two different texts have one vector (cosine %.6f)", cosine)
	}
}

func (s *encoderSuite) project(t *testing.T) {
	if s.description.GetFeatureType() == "" {
		_, err := s.client.Project(t.Context(), &contract.ProjectRequest{Features: [][]byte{{1}}})
		wantCode(t, "Project of an encoder without features", err, codes.Unimplemented)
		return
	}
	embeddings := s.encode(t, s.pictures(3))
	features := make([][]byte, len(embeddings))
	for i, embedding := range embeddings {
		features[i] = embedding.GetFeature()
	}
	projections, err := s.host.Project(t.Context(), features)
	if err != nil {
		t.Fatal(err)
	}
	for i := range projections {
		if cosine := cosineOf(projections[i], embeddings[i]); cosine < projected {
			t.Errorf("picture %d and its projected feature: cosine %.5f, want %v", i, cosine, projected)
		}
	}
	_, err = s.client.Project(t.Context(), &contract.ProjectRequest{Features: [][]byte{features[0][1:]}})
	wantCode(t, "a feature that is too short", err, codes.InvalidArgument)
}

func (s *encoderSuite) concurrency(t *testing.T) {
	pictures, texts := s.pictures(2), []string{"a dog on a beach", "two red boats"}
	wantPictures, wantTexts := s.encode(t, pictures), s.encodeTexts(t, texts)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			s.compare(t, wantPictures, func() ([]*contract.Embedding, error) { return s.host.EncodePictures(t.Context(), pictures) })
		})
		group.Go(func() {
			s.compare(t, wantTexts, func() ([]*contract.Embedding, error) { return s.host.EncodeTexts(t.Context(), texts) })
		})
	}
	group.Wait()
}

func (s *encoderSuite) compare(t *testing.T, want []*contract.Embedding, call func() ([]*contract.Embedding, error)) {
	got, err := call()
	if err != nil {
		t.Error(err)
		return
	}
	for i := range want {
		if cosine := cosineOf(got[i], want[i]); cosine < sameCall {
			t.Errorf("input %d among concurrent calls: cosine %.6f, want %v", i, cosine, sameCall)
		}
	}
}

func (s *encoderSuite) abandonment(t *testing.T) {
	pictures := s.pictures(int(s.description.GetBatch()))
	survivesAbandonment(t, s.process, func(ctx context.Context, connection grpc.ClientConnInterface) error {
		_, err := contract.NewEncoderClient(connection).EncodePictures(ctx, &contract.EncodePicturesRequest{Pictures: pictures})
		return err
	})
}

// encode calls the host, which checks number, length, finiteness and dimensions.
func (s *encoderSuite) encode(t *testing.T, pictures [][]byte) []*contract.Embedding {
	t.Helper()
	embeddings, err := s.host.EncodePictures(t.Context(), pictures)
	if err != nil {
		t.Fatalf("%d pictures: %v", len(pictures), err)
	}
	return embeddings
}

func (s *encoderSuite) encodeTexts(t *testing.T, texts []string) []*contract.Embedding {
	t.Helper()
	embeddings, err := s.host.EncodeTexts(t.Context(), texts)
	if err != nil {
		t.Fatalf("%d texts: %v", len(texts), err)
	}
	return embeddings
}

func (s *encoderSuite) pictureLength() int {
	return int(s.description.GetPicture().GetWidth()) * int(s.description.GetPicture().GetHeight()) * 3
}

// pictures returns count different pictures, always the same: coloured stripes
// under a little noise.
func (s *encoderSuite) pictures(count int) [][]byte {
	width := int(s.description.GetPicture().GetWidth())
	random := rand.New(rand.NewPCG(1, 2))
	pictures := make([][]byte, count)
	for i := range pictures {
		picture := make([]byte, s.pictureLength())
		stripe := 4 + random.IntN(24)
		colours := [2][3]int{{random.IntN(200), random.IntN(200), random.IntN(200)}, {random.IntN(200), random.IntN(200), random.IntN(200)}}
		for j := range picture {
			pixel := j / 3
			position := pixel % width
			if i%2 == 1 {
				position = pixel / width
			}
			picture[j] = byte(colours[position/stripe%2][j%3] + random.IntN(50))
		}
		pictures[i] = picture
	}
	return pictures
}

// cosineOf takes vectors of unit length, which the host has checked or the caller
// compares with one that it has.
func cosineOf(a, b *contract.Embedding) float64 {
	if len(a.GetVector()) != len(b.GetVector()) {
		return math.Inf(-1)
	}
	var sum float64
	for i, value := range a.GetVector() {
		sum += float64(value) * float64(b.GetVector()[i])
	}
	return sum
}
