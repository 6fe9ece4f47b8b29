package builtin

import (
	"strings"
	"testing"
	"testing/fstest"

	"vsed/encoders/builtin/tfjs"
	"vsed/encoders/onnx"
	"vsed/encoders/runtime"
)

// tiny is a picture of 5×5 pixels with 2 channels, a convolution and its mean.
const tiny = `{"format":"graph-model","modelTopology":{"node":[
 {"name":"in","op":"Placeholder"},{"name":"scale","op":"Const"},{"name":"k","op":"Const"},{"name":"b","op":"Const"},{"name":"axes","op":"Const"},
 {"name":"x","op":"Mul","input":["scale","in"]},
 {"name":"c","op":"_FusedConv2D","input":["x","k","b"],"attr":{"strides":{"list":{"i":["1","2","2","1"]}},"dilations":{"list":{"i":["1","1","1","1"]}},"padding":{"s":"U0FNRQ=="},"data_format":{"s":"TkhXQw=="},"fused_ops":{"list":{"s":["Qmlhc0FkZA=="]}}}},
 {"name":"m","op":"Mean","input":["c","axes"]}]},
 "weightsManifest":[{"paths":["w.bin"],"weights":[{"name":"scale","dtype":"float32","shape":[]},{"name":"k","dtype":"float32","shape":[2,2,2,1]},{"name":"b","dtype":"float32","shape":[1]},{"name":"axes","dtype":"int32","shape":[2]}]}]}`

func convertTiny(t *testing.T, old, new string) (*onnx.Graph, error) {
	t.Helper()
	weights := onnx.Float32s([]float32{255, 1, 2, 3, 4, 5, 6, 7, 8, 0.5}).Data
	weights = append(weights, onnx.Int32s([]int32{1, 2}).Data...)
	model, err := tfjs.Read(fstest.MapFS{"model.json": {Data: []byte(strings.Replace(tiny, old, new, 1))}, "w.bin": {Data: weights}}, "model.json")
	if err != nil {
		t.Fatal(err)
	}
	graph := onnx.NewGraph("tiny")
	picture := graph.Input("picture", onnx.Float32, onnx.Shape{onnx.Symbol("N"), onnx.Fixed(2), onnx.Fixed(5), onnx.Fixed(5)})
	convert := &converter{model, graph, picture, map[string]*onnx.Value{}}
	value, err := convert.value("m")
	if err == nil {
		graph.Output(value, nil)
	}
	return graph, err
}

// TestConvolutionByHand compares with sums written out: SAME padding of an even
// kernel puts its zeros below and to the right.
func TestConvolutionByHand(t *testing.T) {
	graph, err := convertTiny(t, "", "")
	if err != nil {
		t.Fatal(err)
	}
	written, err := graph.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	picture := make([]float32, 2*5*5)
	for i := range picture {
		picture[i] = float32(i % 11)
	}
	at := func(c, y, x int) float32 {
		if y > 4 || x > 4 {
			return 0
		}
		return picture[(c*5+y)*5+x]
	}
	var sum float32
	for y := 0; y < 5; y += 2 {
		for x := 0; x < 5; x += 2 {
			sum += 0.5
			for i := range 8 { // the kernel is 1 to 8 over [height, width, in]
				sum += float32(i+1) * at(i%2, y+i/4, x+i/2%2)
			}
		}
	}
	got := runGraph(t, written, runtime.Tensor{Shape: []int64{1, 2, 5, 5}, Data: picture})
	if want := sum / 9; got[0] < want-1e-3 || got[0] > want+1e-3 {
		t.Errorf("mean %v, want %v", got[0], want)
	}
}

func TestUnknownModelsNameTheNode(t *testing.T) {
	f := func(want, old, new string) {
		t.Helper()
		_, err := convertTiny(t, old, new)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	f(`node "c" (Conv3D): is an operation`, "_FusedConv2D", "Conv3D")
	f(`node "c" (_FusedConv2D): is fused with`, "Qmlhc0FkZA==", "UmVsdQ==")
	f(`node "c" (_FusedConv2D): has layout "NCHW"`, "TkhXQw==", "TkNIVw==")
	f(`node "c" (_FusedConv2D): has dilations`, `["1","1","1","1"]`, `["1","2","2","1"]`)
	f(`node "c" (_FusedConv2D): has padding "EVEN"`, "U0FNRQ==", "RVZFTg==")
	f(`has stride 0`, `"2","2"`, `"0","2"`)
	f(`input 1 ("nobody") is not a constant`, `["x","k","b"]`, `["x","nobody","b"]`)
	f(`no node "nobody"`, `["x","k","b"]`, `["nobody","k","b"]`)
	f(`node "c" (_FusedConv2D): has 2 inputs`, `["x","k","b"]`, `["x","k"]`)
	f(`node "m" (Mean): takes the mean over`, `["c","axes"]`, `["c","k"]`)
	f(`node "c" (_FusedConv2D): graph "tiny": node Conv_0: input has 2 channels, weights [2,1,2,2]`, `"shape":[2,2,2,1]`, `"shape":[2,2,1,2]`)
}

func TestBertPieces(t *testing.T) {
	for i, each := range []struct{ given, want string }{
		{"[PAD]", "[PAD]"}, {"▁", "[unused0]"}, {"▁dog", "dog"}, {"ing", "##ing"}, {"[CLS]", "[CLS]"}, {"▁[", "["}, {"[", "##["}, {"▁▁", "▁"},
	} {
		if got := bertPiece(i, each.given); got != each.want {
			t.Errorf("%q is %q, want %q", each.given, got, each.want)
		}
	}
}
