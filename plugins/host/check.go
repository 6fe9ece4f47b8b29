package host

import (
	"encoding/hex"
	"fmt"
	"math"
	"regexp"
	"slices"
	"unicode/utf8"

	"vsed/plugins/contract"
)

// Bounds on what a plugin may say of itself and of a photo. They are far beyond
// any model or camera, and keep a liar from filling memory or the catalogue.
const (
	textLimit       = 256     // bytes of a name, a camera
	formatsLimit    = 64      // formats of a decoder
	dimensionLimit  = 16384   // of a vector
	featureLimit    = 1 << 20 // bytes
	sideLimit       = 4096    // pixels of an encoder's picture
	batchLimit      = 1024    // pictures
	sessionLimit    = 16      // of an encoder
	photoSideLimit  = 1 << 20 // pixels
	thumbnailLimit  = 1 << 20 // bytes
	lengthTolerance = 1e-3    // of a vector's length from 1

	// payloadLimit leaves room for the rest of a message.
	payloadLimit = contract.MessageLimit - 1<<20
)

var (
	// A space and a feature type become names of files.
	spacePattern  = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$`)
	formatPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9+._-]{0,31}$`)
)

func checkEncoder(d *contract.EncoderDescription) error {
	if err := firstError(
		checkText("name", d.GetName(), true), checkText("version", d.GetVersion(), true),
		checkText("provider", d.GetProvider(), true), checkText("precision", d.GetPrecision(), true),
		checkText("preparation", d.GetPreparation(), false), checkSessions(d.GetSessions()), checkLearnedTags(d.GetLearnedTags()),
		checkDigest(d.GetBundleDigest()), checkPicture(d.GetPicture())); err != nil {
		return err
	}
	pictureBytes := pictureLength(d.GetPicture())
	switch {
	case !spacePattern.MatchString(d.GetSpace()):
		return fmt.Errorf("its space %q is not 1 to 128 letters, digits, '-', '_' and '.'", printable(d.GetSpace(), 60))
	case d.GetDimensions() == 0 || d.GetDimensions() > dimensionLimit:
		return fmt.Errorf("its vectors have %d dimensions, not 1 to %d", d.GetDimensions(), dimensionLimit)
	case d.GetFeatureType() != "" && !spacePattern.MatchString(d.GetFeatureType()):
		return fmt.Errorf("its feature type %q is not 1 to 128 letters, digits, '-', '_' and '.'", printable(d.GetFeatureType(), 60))
	case (d.GetFeatureType() == "") != (d.GetFeatureBytes() == 0) || d.GetFeatureBytes() > featureLimit:
		return fmt.Errorf("its feature type %q has %d bytes", d.GetFeatureType(), d.GetFeatureBytes())
	case d.GetFeatureSpace() != "" && !spacePattern.MatchString(d.GetFeatureSpace()):
		return fmt.Errorf("its feature space %q is not 1 to 128 letters, digits, '-', '_' and '.'", printable(d.GetFeatureSpace(), 60))
	case (d.GetFeatureType() == "") != (d.GetFeatureSpace() == ""):
		return fmt.Errorf("its features of type %q are of the space %q: it has to name both or none", d.GetFeatureType(), d.GetFeatureSpace())
	case d.GetBatch() == 0 || d.GetBatch() > batchLimit || int(d.GetBatch())*pictureBytes > payloadLimit:
		return fmt.Errorf("a batch of %d pictures of %d bytes is none or too many", d.GetBatch(), pictureBytes)
	case math.IsNaN(d.GetMatchFloor()) || math.Abs(d.GetMatchFloor()) > 1:
		return fmt.Errorf("its match floor %v is not a cosine", d.GetMatchFloor())
	}
	return nil
}

func checkLearnedTags(tags []string) error {
	if len(tags) > contract.LearnedTagsLimit {
		return fmt.Errorf("it has learned %d tags, more than %d", len(tags), contract.LearnedTagsLimit)
	}
	seen := make(map[string]bool, len(tags))
	for _, tag := range tags {
		if err := contract.CheckTag(tag); err != nil {
			return fmt.Errorf("its learned tag %q: %w", printable(tag, 60), err)
		}
		if seen[tag] {
			return fmt.Errorf("its learned tag %q stands twice", printable(tag, 60))
		}
		seen[tag] = true
	}
	return nil
}

func checkSessions(sessions []*contract.Session) error {
	if len(sessions) > sessionLimit {
		return fmt.Errorf("it has %d sessions, more than %d", len(sessions), sessionLimit)
	}
	for _, session := range sessions {
		if err := firstError(
			checkText("session's name", session.GetName(), true), checkText("session's provider", session.GetProvider(), true),
			checkText("session's asked provider", session.GetAskedProvider(), true),
			checkText("session's precision", session.GetPrecision(), true),
			checkText("session's fallback", session.GetFallback(), false)); err != nil {
			return err
		}
	}
	return nil
}

func checkDecoder(d *contract.DecoderDescription) error {
	if err := firstError(checkText("name", d.GetName(), true), checkText("version", d.GetVersion(), true)); err != nil {
		return err
	}
	if len(d.GetFormats()) == 0 || len(d.GetFormats()) > formatsLimit {
		return fmt.Errorf("it reads %d formats, not 1 to %d", len(d.GetFormats()), formatsLimit)
	}
	for _, format := range d.GetFormats() {
		if !formatPattern.MatchString(format) {
			return fmt.Errorf("%q is not the name of a format in lower case", printable(format, 60))
		}
	}
	return checkText("sandbox", d.GetSandbox(), false)
}

func checkText(noun, text string, required bool) error {
	switch {
	case required && text == "":
		return fmt.Errorf("its %s is empty", noun)
	case len(text) > textLimit:
		return fmt.Errorf("its %s is %d bytes long, more than %d", noun, len(text), textLimit)
	case !utf8.ValidString(text) || printable(text, textLimit) != text:
		return fmt.Errorf("its %s %q is not plain text on one line", noun, printable(text, 60))
	}
	return nil
}

func checkDigest(digest string) error {
	if raw, err := hex.DecodeString(digest); err != nil || len(raw) != 32 {
		return fmt.Errorf("its bundle digest %q is not a SHA-256 in hexadecimal", printable(digest, 80))
	}
	return nil
}

func checkPicture(picture *contract.PictureFormat) error {
	if picture.GetWidth() == 0 || picture.GetHeight() == 0 || picture.GetWidth() > sideLimit || picture.GetHeight() > sideLimit {
		return fmt.Errorf("a picture of %d×%d pixels is none or larger than %d×%d", picture.GetWidth(), picture.GetHeight(), sideLimit, sideLimit)
	}
	if _, known := contract.Fit_name[int32(picture.GetFit())]; !known || picture.GetFit() == contract.Fit_FIT_UNSPECIFIED {
		return fmt.Errorf("its fit %d is unknown", picture.GetFit())
	}
	if _, known := contract.Kernel_name[int32(picture.GetKernel())]; !known || picture.GetKernel() == contract.Kernel_KERNEL_UNSPECIFIED {
		return fmt.Errorf("its kernel %d is unknown", picture.GetKernel())
	}
	return nil
}

func pictureLength(picture *contract.PictureFormat) int {
	return int(picture.GetWidth()) * int(picture.GetHeight()) * 3
}

// checkEmbeddings checks an answer to count items.
func checkEmbeddings(reply *contract.EncodeResponse, count int, d *contract.EncoderDescription, also rule) error {
	if len(reply.GetEmbeddings()) != count {
		return fmt.Errorf("%d embeddings for %d items", len(reply.GetEmbeddings()), count)
	}
	for position, embedding := range reply.GetEmbeddings() {
		if err := checkVector(embedding.GetVector(), int(d.GetDimensions())); err != nil {
			return fmt.Errorf("embedding %d: %w", position, err)
		}
		if err := also(embedding, d); err != nil {
			return fmt.Errorf("embedding %d: %w", position, err)
		}
	}
	return nil
}

// rule checks what goes with a vector: its feature and learned tags.
type rule func(*contract.Embedding, *contract.EncoderDescription) error

func ofPicture(embedding *contract.Embedding, d *contract.EncoderDescription) error {
	if length := len(embedding.GetFeature()); length != int(d.GetFeatureBytes()) {
		return fmt.Errorf("a feature of %d bytes, not %d", length, d.GetFeatureBytes())
	}
	return checkTags(embedding.GetTags(), d)
}

// ofText allows a feature of a form that the description does not name, since
// nothing is projected from it; it may be absent.
func ofText(embedding *contract.Embedding, _ *contract.EncoderDescription) error {
	if length := len(embedding.GetFeature()); length > featureLimit {
		return fmt.Errorf("a feature of %d bytes, more than %d", length, featureLimit)
	}
	if count := len(embedding.GetTags()); count > 0 {
		return fmt.Errorf("a text with %d learned tags", count)
	}
	return nil
}

func ofProjection(embedding *contract.Embedding, d *contract.EncoderDescription) error {
	if length := len(embedding.GetFeature()); length != 0 {
		return fmt.Errorf("a projection with a feature of %d bytes", length)
	}
	return checkTags(embedding.GetTags(), d)
}

// checkTags wants each tag once at most, and the surest first.
func checkTags(tags []*contract.LearnedTag, d *contract.EncoderDescription) error {
	if len(tags) > contract.PictureTagsLimit {
		return fmt.Errorf("%d learned tags, more than %d", len(tags), contract.PictureTagsLimit)
	}
	for i, tag := range tags {
		before := float32(1)
		if i > 0 {
			before = tags[i-1].GetConfidence()
		}
		switch confidence := tag.GetConfidence(); {
		case int(tag.GetTag()) >= len(d.GetLearnedTags()):
			return fmt.Errorf("learned tag %d, of %d", tag.GetTag(), len(d.GetLearnedTags()))
		case !(confidence > 0 && confidence <= 1): // NaN fails too
			return fmt.Errorf("a learned tag with a confidence of %v, not above 0 and at most 1", confidence)
		case confidence > before:
			return fmt.Errorf("learned tags that do not begin with the surest")
		case slices.ContainsFunc(tags[:i], func(other *contract.LearnedTag) bool { return other.GetTag() == tag.GetTag() }):
			return fmt.Errorf("the learned tag %d twice", tag.GetTag())
		}
	}
	return nil
}

func checkVector(vector []float32, dimensions int) error {
	if len(vector) != dimensions {
		return fmt.Errorf("a vector of %d dimensions, not %d", len(vector), dimensions)
	}
	var sum float64
	for _, value := range vector {
		sum += float64(value) * float64(value)
	}
	if math.IsNaN(sum) || math.IsInf(sum, 0) {
		return fmt.Errorf("a vector that is not finite")
	}
	if length := math.Sqrt(sum); math.Abs(length-1) > lengthTolerance {
		return fmt.Errorf("a vector of length %.4g, not 1", length)
	}
	return nil
}

func checkDecoded(reply *contract.DecodeResponse, request DecodeRequest) error {
	if len(reply.GetDigest()) != 32 {
		return fmt.Errorf("a digest of %d bytes, not 32", len(reply.GetDigest()))
	}
	if len(reply.GetPictures()) != len(request.Pictures) {
		return fmt.Errorf("%d pictures, not %d", len(reply.GetPictures()), len(request.Pictures))
	}
	for position, picture := range reply.GetPictures() {
		if want := pictureLength(request.Pictures[position]); len(picture) != want {
			return fmt.Errorf("picture %d of %d bytes, not %d", position, len(picture), want)
		}
	}
	if err := checkThumbnail(reply.GetThumbnail(), request.ThumbnailSide > 0); err != nil {
		return err
	}
	return checkPhotoMetadata(reply.GetMetadata())
}

func checkThumbnail(thumbnail []byte, asked bool) error {
	switch {
	case !asked && len(thumbnail) == 0:
		return nil
	case !asked:
		return fmt.Errorf("a thumbnail of %d bytes that nobody asked for", len(thumbnail))
	case len(thumbnail) > thumbnailLimit:
		return fmt.Errorf("a thumbnail of %d bytes, more than %d", len(thumbnail), thumbnailLimit)
	case len(thumbnail) < 12 || string(thumbnail[:4]) != "RIFF" || string(thumbnail[8:12]) != "WEBP":
		return fmt.Errorf("a thumbnail of %d bytes that is not WebP", len(thumbnail))
	}
	return nil
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
