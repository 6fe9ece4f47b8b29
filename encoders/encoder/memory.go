package encoder

import (
	"fmt"
	"os"
)

// residentBytes is the memory that this process has in use; 0 where the system
// does not say.
func residentBytes() int64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	var size, resident int64
	if _, err := fmt.Sscan(string(text), &size, &resident); err != nil {
		return 0
	}
	return resident * int64(os.Getpagesize())
}

// grown is the difference of two readings; 0, for not known, where there is none.
func grown(before, after int64) uint64 {
	if before == 0 || after <= before {
		return 0
	}
	return uint64(after - before)
}
