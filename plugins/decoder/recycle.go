package decoder

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
)

// Retire says why this process should be replaced, "" for not yet: what libraries
// leak or fragment over many photos ends with it.
func (d *Decoder) Retire() string {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if d.retire != "" {
		return d.retire
	}
	if limit := d.limits.RecyclePhotos; limit > 0 && d.photos >= limit {
		return fmt.Sprintf("it has read %d photos", d.photos)
	}
	if held := d.held(); d.limits.RecycleMemory > 0 && held > d.limits.RecycleMemory {
		return fmt.Sprintf("it holds %d MiB of memory", held>>20)
	}
	return ""
}

// held is the memory that only this process has in use, in bytes; 0 where it is not
// known.
func (d *Decoder) held() int {
	if d.account == nil {
		return 0
	}
	text := make([]byte, 200)
	length, _ := d.account.ReadAt(text, 0) // at its end, which counts as an error
	if length == 0 {
		return 0
	}
	fields := bytes.Fields(text[:length]) // size, resident, shared, …; in pages
	if len(fields) < 3 {
		return 0
	}
	resident, err := strconv.Atoi(string(fields[1]))
	if err != nil {
		return 0
	}
	shared, err := strconv.Atoi(string(fields[2]))
	if err != nil {
		return 0
	}
	return (resident - shared) * os.Getpagesize()
}
