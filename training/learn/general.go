package learn

// GeneralSentences are of what photos show, and of nobody's photos in particular: each of
// some subjects in half of some settings. What an encoder's vectors say of them is what it
// should still say after it has learned, where there are no captioned photos to ask.
func GeneralSentences() (list []string) {
	settings := []string{
		"on a beach", "in the snow", "in a forest", "in a street", "in a city at night", "in a garden", "in a kitchen",
		"in a living room", "on a table", "by a river", "in the mountains", "in a field", "at sunset", "in the rain",
		"at a market", "at a station", "at a party", "in front of a house", "seen from above", "far away",
		"in black and white", "in close-up", "in the water", "behind a window",
	}
	for i, subject := range []string{
		"a dog", "a cat", "a horse", "a bird", "a child", "a baby", "a woman", "an old man", "two friends",
		"a group of people", "a crowd", "a bicycle", "a car", "a train", "a boat", "an aeroplane", "a house", "a church",
		"a bridge", "a tower", "a tree", "flowers", "a mountain", "a lake", "a waterfall", "food", "a cake", "a drink",
		"a book", "a toy", "a statue", "a sign", "a game", "a musician",
	} {
		for k := i % 2; k < len(settings); k += 2 {
			list = append(list, subject+" "+settings[k])
		}
	}
	return list
}
