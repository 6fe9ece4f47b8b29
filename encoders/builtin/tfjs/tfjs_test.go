package tfjs

import (
	"strings"
	"testing"
	"testing/fstest"
)

const sound = `{"format":"graph-model","modelTopology":{"node":[
 {"name":"w","op":"Const"},{"name":"i","op":"Identity","input":["w:0"]},
 {"name":"c","op":"Conv2D","input":["x","i"],"attr":{"strides":{"list":{"i":["1","2"]}},"padding":{"s":"U0FNRQ=="},"ops":{"list":{"s":["Qmlhc0FkZA=="]}},"keep":{"b":true}}}]},
 "weightsManifest":[{"paths":["one.bin","two.bin"],"weights":[{"name":"w","dtype":"float32","shape":[2]},{"name":"k","dtype":"int32","shape":[]}]}]}`

func files(model string) fstest.MapFS {
	return fstest.MapFS{
		"m/model.json": {Data: []byte(model)},
		"m/one.bin":    {Data: []byte{0, 0, 0x80, 0x3f, 0, 0}},
		"m/two.bin":    {Data: []byte{0, 0x40, 7, 0, 0, 0}},
	}
}

func TestRead(t *testing.T) {
	model, err := Read(files(sound), "m/model.json")
	if err != nil {
		t.Fatal(err)
	}
	weights, ok := model.Constant("i")
	if !ok || weights.Len() != 2 || weights.Floats[0] != 1 || weights.Floats[1] != 2 {
		t.Errorf("constant %v %v", weights, ok)
	}
	if _, ok := model.Constant("c"); ok {
		t.Error("a convolution passed as a constant")
	}
	node, err := model.Node("c:0")
	if err != nil {
		t.Fatal(err)
	}
	strides, err := node.Integers("strides", 2)
	if err != nil || strides[1] != 2 {
		t.Errorf("strides %v %v", strides, err)
	}
	if padding, err := node.Text("padding"); err != nil || padding != "SAME" {
		t.Errorf("padding %q %v", padding, err)
	}
	if ops := node.Texts("ops"); len(ops) != 1 || ops[0] != "BiasAdd" || !node.Flag("keep") {
		t.Errorf("attributes %v", node.Attributes)
	}
	if _, err := node.Integers("strides", 4); err == nil || !strings.Contains(err.Error(), `node "c" (Conv2D)`) {
		t.Errorf("error %v does not name the node", err)
	}
}

func TestDamagedModels(t *testing.T) {
	f := func(want, old, new string) {
		t.Helper()
		_, err := Read(files(strings.Replace(sound, old, new, 1)), "m/model.json")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	f("is not a graph model", "graph-model", "layers-model")
	f(`weight "k": takes 4 bytes, only 0`, `"shape":[2]`, `"shape":[3]`)
	f("4 bytes too many", `,{"name":"k","dtype":"int32","shape":[]}`, "")
	f(`type "bool"`, "int32", "bool")
	f("out of range", `"shape":[2]`, `"shape":[-2]`)
	f("out of range", `"shape":[2]`, `"shape":[65536,65536,65536]`)
	f("is quantised", `"shape":[2]`, `"shape":[2],"quantization":{}`)
	f("no name of its own", `"name":"i"`, `"name":"w"`)
	f("three.bin", "two.bin", "three.bin")
}

func FuzzRead(f *testing.F) {
	f.Add(sound)
	f.Add(`{"format":"graph-model","modelTopology":{"node":[null]}}`)
	f.Fuzz(func(t *testing.T, text string) {
		model, err := Read(files(text), "m/model.json")
		if err != nil {
			return
		}
		for name, node := range model.nodes {
			if tensor, ok := model.Constant(name); ok && tensor.Len() != len(tensor.Floats)+len(tensor.Ints) {
				t.Errorf("constant %q of shape %v has %d values", name, tensor.Shape, len(tensor.Floats)+len(tensor.Ints))
			}
			_, _ = node.Integers("strides", 4)
		}
	})
}
