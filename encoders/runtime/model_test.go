package runtime

import (
	"encoding/binary"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"vsed/encoders/onnx"
)

// message and number append one field of a protobuf message.
func message(to []byte, field protowire.Number, value string) []byte {
	return protowire.AppendString(protowire.AppendTag(to, field, protowire.BytesType), value)
}

func number(to []byte, field protowire.Number, value uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(to, field, protowire.VarintType), value)
}

func port(name string, kind uint64, dims ...uint64) string {
	var shape []byte
	for _, side := range dims {
		shape = message(shape, 1, string(number(nil, 1, side)))
	}
	tensor := message(number(nil, 1, kind), 2, string(shape))
	return string(message(message(nil, 1, name), 2, string(message(nil, 1, string(tensor)))))
}

func wrap(opset uint64, graph []byte) []byte {
	model := message(number(nil, 1, 8), 7, string(graph))
	return message(model, 8, string(number(message(nil, 1, ""), 2, opset)))
}

// splitProduct is a model y = x·w, w being 2×2 in another file.
func splitProduct(location, offset, length string) []byte {
	entry := func(key, value string) string { return string(message(message(nil, 1, key), 2, value)) }
	weights := message(number(number(number(nil, 1, 2), 1, 2), 2, 1), 8, "w")
	for key, value := range map[string]string{"location": location, "offset": offset, "length": length} {
		weights = message(weights, 13, entry(key, value))
	}
	weights = number(weights, 14, 1)
	node := message(message(message(message(nil, 1, "x"), 1, "w"), 2, "y"), 4, "MatMul")
	graph := message(message(message(nil, 1, string(node)), 2, "product"), 5, string(weights))
	graph = message(message(graph, 11, port("x", 1, 1, 2)), 12, port("y", 1, 1, 2))
	return wrap(17, graph)
}

func TestExternalWeights(t *testing.T) {
	path := write(t, splitProduct("weights.bin", "8", "16"))
	data := make([]byte, 8)
	for _, value := range []float32{1, 2, 3, 4} {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(value))
	}
	if err := os.WriteFile(filepath.Join(filepath.Dir(path), "weights.bin"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	model, err := Inspect(path)
	if err != nil || !slices.Equal(model.Weights, []string{"weights.bin"}) || len(model.Inputs) != 1 || model.Outputs[0].Name != "y" {
		t.Errorf("model %+v, %v", model, err)
	}
	session, err := load(t).Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	outputs, err := session.Run(t.Context(), Tensor{[]int64{1, 2}, []float32{10, 20}})
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := outputs[0].Float32s(); !slices.Equal(got, []float32{70, 100}) {
		t.Errorf("product %v", got)
	}
}

// TestExternalWeightsStayInTheFolder needs no library: a model is refused before
// one is asked.
func TestExternalWeightsStayInTheFolder(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(outside, make([]byte, 100), 0o600); err != nil {
		t.Fatal(err)
	}
	f := func(want, location, offset, length string) {
		t.Helper()
		path := write(t, splitProduct(location, offset, length))
		folder := filepath.Dir(path)
		if err := errors.Join(os.Symlink(outside, filepath.Join(folder, "link")), os.WriteFile(filepath.Join(folder, "short"), make([]byte, 15), 0o600), os.Mkdir(filepath.Join(folder, "sub"), 0o700)); err != nil {
			t.Fatal(err)
		}
		if _, err := Inspect(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s at %s+%s: error %v, want %q", location, offset, length, err, want)
		}
	}
	f("not a place in the model's folder", outside, "0", "16")
	f("not a place in the model's folder", "../secret", "0", "16")
	f("not a place in the model's folder", "sub/../../secret", "0", "16")
	f("not a place in the model's folder", "link", "0", "16")
	f("not a place in the model's folder", "*/_ORT_MEM_ADDR_/*", "0", "16")
	f("not a place in the model's folder", "", "0", "16")
	f("the file is missing", "absent", "0", "16")
	f("is not a file", "sub", "0", "16")
	f("the file ends at 15 bytes", "short", "0", "16")
	f("the file ends at 15 bytes", "short", "16", "0")
	f("the file ends at 15 bytes", "short", "9223372036854775807", "9223372036854775807")
	f(`offset "-1"`, "short", "-1", "16")
}

func TestModelsThatAreNotTaken(t *testing.T) {
	f := func(want string, model []byte) {
		t.Helper()
		read, err := parseModel(model)
		if err == nil {
			err = read.check(t.TempDir())
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	f("has no graph", number(nil, 1, 8))
	f("not an ONNX model", []byte("not a model"))
	f(`"x" is bfloat16, which is not supported`, wrap(17, message(nil, 11, port("x", 16, 2))))
	f(`"y" is uint32`, wrap(17, message(nil, 12, port("y", 12, 2))))
	f(`"s" is not a tensor`, wrap(17, message(nil, 11, string(message(message(nil, 1, "s"), 2, string(message(nil, 4, "")))))))
	f("compiled for one machine", wrap(17, message(nil, 1, string(message(nil, 4, "EPContext")))))
	f("export the model with float32 outputs", wrap(17, message(nil, 12, string(message(message(nil, 1, "y"), 2, string(message(nil, 1, string(number(nil, 1, 10)))))))))
	deep := ""
	for range maximumDepth + 2 {
		deep = string(message(nil, 1, string(message(nil, 5, string(message(nil, 6, deep))))))
	}
	f("nested too deeply", wrap(17, []byte(deep)))
}

// TestWeightsAmongInputs: models of before ONNX 1.4 list them there.
func TestWeightsAmongInputs(t *testing.T) {
	graph := message(message(nil, 11, port("w", 1, 2)), 11, port("x", 1, 2))
	graph = message(graph, 5, string(message(nil, 8, "w")))
	read, err := parseModel(wrap(17, graph))
	if err != nil || len(read.inputs) != 1 || read.inputs[0].Name != "x" {
		t.Errorf("inputs %v, %v", read, err)
	}
}

func TestNewerOpsetIsNamed(t *testing.T) {
	node := message(message(message(nil, 1, "x"), 2, "y"), 4, "Relu")
	graph := message(message(nil, 1, string(node)), 2, "g")
	graph = message(message(graph, 11, port("x", 1, 1)), 12, port("y", 1, 1))
	library := load(t)
	_, err := library.Open(write(t, wrap(99, graph)), Options{})
	var opset *OpsetError
	if !errors.As(err, &opset) || opset.Opset != 99 || opset.Domain != "" || opset.Version != library.Version {
		t.Fatalf("error %v", err)
	}
	if text := err.Error(); !strings.Contains(text, "opset 99 of ai.onnx, which ONNX Runtime "+library.Version) || strings.Contains(text, "\n") {
		t.Errorf("error %q", text)
	}
}

// FuzzModel feeds parseModel: it must end, and a model that it takes must name
// each file that it lists.
func FuzzModel(f *testing.F) {
	f.Add(splitProduct("weights.bin", "0", "16"))
	f.Add(splitProduct("../weights.bin", "", "x"))
	g := onnx.NewGraph("small")
	g.Output(g.Named("y", "Relu", []*onnx.Value{g.Input("x", onnx.Float32, onnx.Sides(1, 2))}), nil)
	f.Add(marshal(f, g))
	folder := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		read, err := parseModel(data)
		if err != nil {
			return
		}
		if read.check(folder) == nil && len(read.external) > 0 {
			t.Errorf("takes %v from an empty folder", read.external)
		}
	})
}
