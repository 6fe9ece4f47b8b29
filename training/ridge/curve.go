package ridge

// Bend is added to a score before its logarithm, in Confidence.
const Bend = bend

// Offsets are what stands beside the slope in each tag's curve: Confidence is the logistic
// function of slope · log(max(score, 0) + Bend) + offset.
func (k Calibration) Offsets(c *Channel) []float64 {
	offsets := make([]float64, len(c.Tags))
	for tag := range offsets {
		offsets[tag] = k.Prior*c.odds(tag) + k.Offset
	}
	return offsets
}
