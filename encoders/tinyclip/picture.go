package tinyclip

import (
	"image"
	"image/color"
	"image/draw"
	"maps"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/x448/float16"

	"vsed/encoders/drawn"
	"vsed/encoders/onnx"
)

const (
	patch   = 8  // pixels, the side of a filter and its step
	filters = 96 // of the picture tower
)

// tower is the picture tower: filters over patches, their positive parts averaged
// over the picture, less the mean of some pictures, projected.
type tower struct {
	options    Options
	filters    []float32 // [filters, 3, patch, patch]
	centre     []float32 // [filters]
	projection []float32 // [filters, dimensions]
}

func newTower(o Options) *tower {
	random := rand.New(rand.NewPCG(o.Seed, 2))
	t := &tower{options: o, centre: make([]float32, filters)}
	t.filters = gaussian(random, filters*3*patch*patch, 1/math.Sqrt(3*patch*patch))
	t.flattenSome()
	t.projection = gaussian(random, filters*o.Dimensions, 1/math.Sqrt(filters))
	pictures := t.pictures()
	for _, word := range slices.Sorted(maps.Keys(pictures)) {
		for i, value := range t.pooled(pictures[word]) {
			t.centre[i] += value / float32(len(pictures))
		}
	}
	return t
}

// flattenSome makes every second filter see colour and no shape.
func (t *tower) flattenSome() {
	const area = patch * patch
	for i := 0; i < len(t.filters); i += area {
		if i/(3*area)%2 == 0 {
			for j := range area {
				t.filters[i+j] = t.filters[i]
			}
		}
	}
}

func gaussian(random *rand.Rand, count int, scale float64) []float32 {
	values := make([]float32, count)
	for i := range values {
		values[i] = float32(random.NormFloat64() * scale)
	}
	return values
}

// colours are the words that name plain pictures.
var colours = map[string]color.NRGBA{
	"red": {220, 30, 30, 255}, "green": {30, 160, 50, 255}, "blue": {30, 60, 210, 255}, "yellow": {235, 220, 40, 255},
	"orange": {240, 140, 30, 255}, "purple": {130, 40, 160, 255}, "white": {250, 250, 250, 255}, "black": {8, 8, 8, 255},
	"grey": {128, 128, 128, 255}, "brown": {110, 70, 40, 255}, "pink": {245, 150, 190, 255},
}

// things are the words that name drawn things.
var things = map[string][]string{
	"clock": {"clock"}, "traffic-light": {"traffic", "light"}, "crossword": {"crossword", "puzzle"}, "web": {"spider", "web"},
}

// pictures are those that words stand for, by word.
func (t *tower) pictures() map[string]*image.NRGBA {
	pictures := map[string]*image.NRGBA{}
	for word, tone := range colours {
		plain := image.NewNRGBA(image.Rect(0, 0, t.options.Side, t.options.Side))
		draw.Draw(plain, plain.Bounds(), image.NewUniform(tone), image.Point{}, draw.Src)
		pictures[word] = plain
	}
	for _, thing := range drawn.Things() {
		for _, word := range things[thing.Name] {
			pictures[word] = thing.Draw(t.options.Side, t.options.Side)
		}
	}
	return pictures
}

// pooled computes what the graph's pooling gives.
func (t *tower) pooled(picture *image.NRGBA) []float32 {
	sums := make([]float64, filters)
	perSide := t.options.Side / patch
	for at := range perSide * perSide {
		pixels := patchOf(picture, at%perSide*patch, at/perSide*patch)
		for f := range filters {
			var sum float64
			for i, weight := range t.filters[f*len(pixels) : (f+1)*len(pixels)] {
				sum += float64(weight) * pixels[i]
			}
			sums[f] += max(0, sum) / float64(perSide*perSide)
		}
	}
	pooled := make([]float32, filters)
	for i, sum := range sums {
		pooled[i] = float32(sum)
	}
	return pooled
}

// patchOf is a patch as the filters see it: [3, patch, patch], normalised.
func patchOf(picture *image.NRGBA, left, top int) []float64 {
	pixels := make([]float64, 3*patch*patch)
	for y := range patch {
		for x := range patch {
			tone := picture.NRGBAAt(left+x, top+y)
			for c, value := range [3]uint8{tone.R, tone.G, tone.B} {
				pixels[(c*patch+y)*patch+x] = (float64(value)/255 - float64(mean[c])) / float64(deviation[c])
			}
		}
	}
	return pixels
}

// vector is a picture's vector, of unit length.
func (t *tower) vector(picture *image.NRGBA) []float32 {
	vector := make([]float32, t.options.Dimensions)
	for f, value := range t.pooled(picture) {
		for d := range vector {
			vector[d] += (value - t.centre[f]) * t.projection[f*t.options.Dimensions+d]
		}
	}
	var square float64
	for _, value := range vector {
		square += float64(value) * float64(value)
	}
	for d := range vector {
		vector[d] /= float32(math.Sqrt(square))
	}
	return vector
}

// graph writes the tower.
func (t *tower) graph() *onnx.Graph {
	g := onnx.NewGraph("tinyclip-visual")
	batch := onnx.Symbol("N")
	if t.options.Single {
		batch = onnx.Fixed(1)
	}
	planes := t.input(g, batch)
	planes = g.Op("Conv", []*onnx.Value{planes, t.weights(g, t.filters, filters, 3, patch, patch)}, onnx.Ints("strides", patch, patch))
	pooled := g.Op("Flatten", []*onnx.Value{g.Op("GlobalAveragePool", []*onnx.Value{g.Op("Relu", []*onnx.Value{planes})})})
	pooled = g.Op("Sub", []*onnx.Value{pooled, t.weights(g, t.centre, filters)})
	projected := []*onnx.Value{pooled, t.weights(g, t.projection, filters, int64(t.options.Dimensions))}
	if t.options.Newer {
		g.Output(unit(g, "embedding", g.Op("MatMul", projected)), nil)
	} else {
		g.Output(g.Named("embedding", "MatMul", projected), nil)
	}
	return g
}

// input gives normalised planes, [N, 3, side, side].
func (t *tower) input(g *onnx.Graph, batch onnx.Dimension) *onnx.Value {
	side := onnx.Fixed(int64(t.options.Side))
	if !t.options.Newer {
		return g.Input("image", t.kind(), onnx.Shape{batch, onnx.Fixed(3), side, side})
	}
	pixels := g.Input("image", onnx.Uint8, onnx.Shape{batch, side, side, onnx.Fixed(3)})
	values := g.Op("Cast", []*onnx.Value{pixels}, onnx.Int("to", int64(onnx.Float32)))
	var offset, scale []float32
	for c := range 3 {
		offset, scale = append(offset, 255*mean[c]), append(scale, 255*deviation[c])
	}
	values = g.Op("Sub", []*onnx.Value{values, g.Constant(onnx.Float32s(offset, 3))})
	values = g.Op("Div", []*onnx.Value{values, g.Constant(onnx.Float32s(scale, 3))})
	return g.Op("Transpose", []*onnx.Value{values}, onnx.Ints("perm", 0, 3, 1, 2))
}

func (t *tower) kind() onnx.DataType {
	if t.options.Half {
		return onnx.Float16
	}
	return onnx.Float32
}

func (t *tower) weights(g *onnx.Graph, values []float32, sides ...int64) *onnx.Value {
	if !t.options.Half {
		return g.Constant(onnx.Float32s(values, sides...))
	}
	bits := make([]uint16, len(values))
	for i, value := range values {
		bits[i] = float16.Fromfloat32(value).Bits()
	}
	return g.Constant(onnx.Float16s(bits, sides...))
}

// unit gives rows unit length.
func unit(g *onnx.Graph, name string, rows *onnx.Value) *onnx.Value {
	squares := g.Op("ReduceSum", []*onnx.Value{g.Op("Mul", []*onnx.Value{rows, rows}), g.Constant(onnx.Int64s([]int64{1}, 1))})
	return g.Named(name, "Div", []*onnx.Value{rows, g.Op("Sqrt", []*onnx.Value{squares})})
}
