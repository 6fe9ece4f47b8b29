package eighth

// startRows makes room for the pixels.
func (d *Decoder) startRows() {
	f := &d.frame
	d.pixels = grow(d.pixels, f.width*f.height*len(f.components))
}

// finishRow turns a row of MCUs into rows of pixels.
func (d *Decoder) finishRow(row int) {
	f := &d.frame
	for y := range f.components[0].rowsOfMCU() {
		at := row*f.components[0].rowsOfMCU() + y
		if at >= f.height {
			return
		}
		bands := len(f.components)
		out := d.pixels[at*f.width*bands : (at+1)*f.width*bands]
		luma := d.rows[0][y*f.components[0].stride:]
		if bands == 1 {
			copy(out, luma)
			continue
		}
		horizontal, vertical := f.factor(&f.components[1])
		chroma := y / vertical * f.components[1].stride
		colour(out, luma[:f.width], d.rows[1][chroma:], d.rows[2][chroma:], horizontal-1)
	}
}

// colour converts as JFIF says, with libjpeg's rounding; chroma is repeated where
// it is half as wide (halved is 1).
func colour(out, luma, blue, red []byte, halved int) {
	for x, y := range luma {
		b, r := int32(blue[x>>halved])-128, int32(red[x>>halved])-128
		brightness := int32(y)
		pixel := out[3*x : 3*x+3]
		pixel[0] = clamp(brightness + (91881*r+1<<15)>>16)
		pixel[1] = clamp(brightness + (-22554*b-46802*r+1<<15)>>16)
		pixel[2] = clamp(brightness + (116130*b+1<<15)>>16)
	}
}

func clamp(value int32) byte { return byte(min(max(value, 0), 255)) }
