package eighth

type progressive struct{}

func newProgressive(d *Decoder) *progressive  { return &progressive{} }
func (*progressive) finish() error            { return refuse("progressive") }
func (*progressive) read(*parser, scan) error { return refuse("progressive") }
