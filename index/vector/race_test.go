//go:build race

package vector

// raceDetector keeps some bytes for each of the heap: memory is not measured.
const raceDetector = true
