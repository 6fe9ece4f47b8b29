package vector

import (
	"bufio"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// childVariable names the folder to a process that the tests start to kill it.
const childVariable = "VSED_VECTOR_CHILD"

const (
	crashDimensions = 24
	crashIDs        = 4000
)

// batchOf is batch number n: which ids it puts and removes follows from n alone.
func batchOf(n int64) (put []Vector, remove []int64) {
	source := rand.New(rand.NewPCG(uint64(n), 21))
	seen := make(map[int64]bool)
	for range 1 + source.IntN(300) {
		id := source.Int64N(crashIDs)
		if seen[id] {
			continue
		}
		seen[id] = true
		if source.IntN(4) == 0 {
			remove = append(remove, id)
		} else {
			put = append(put, Vector{id, random(source, crashDimensions)})
		}
	}
	return put, remove
}

// writeUntilKilled is the process that is killed: it goes on with the batch
// after the last, and writes the number of each that was acknowledged.
func writeUntilKilled(dir string) {
	x, err := Open(dir, crashDimensions, Options{})
	if err == nil {
		err = x.Rebuilt()
	}
	for err == nil {
		n := x.Change() + 1
		put, remove := batchOf(n)
		if err = x.Apply(put, remove, n); err == nil {
			fmt.Println(n)
		}
	}
	fmt.Println("failed:", err)
	os.Exit(1)
}

// A crasher kills processes that write to one folder, and checks what is left.
type crasher struct {
	*testing.T
	dir  string
	rows map[int64][]float32
	done int64 // batches that rows has
}

func TestKilled(t *testing.T) {
	c := &crasher{T: t, dir: t.TempDir(), rows: make(map[int64][]float32)}
	source := rand.New(rand.NewPCG(1, 2))
	for range 6 {
		c.killAndCheck(source)
	}
}

// killAndCheck kills a writer some milliseconds after its first batch.
func (c *crasher) killAndCheck(source *rand.Rand) {
	c.Helper()
	command := exec.CommandContext(c.Context(), os.Args[0])
	command.Env = append(os.Environ(), childVariable+"="+c.dir)
	output, err := command.StdoutPipe()
	must(c, err)
	must(c, command.Start())
	lines := bufio.NewScanner(output)
	if !lines.Scan() {
		c.Fatal("the writer wrote nothing")
	}
	last := lines.Text()
	timer := time.AfterFunc(time.Duration(source.IntN(80_000))*time.Microsecond, func() { _ = command.Process.Kill() })
	for lines.Scan() {
		last = lines.Text()
	}
	timer.Stop()
	if err := command.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		c.Fatalf("the writer ended by itself: %v, %s", err, last)
	}
	acknowledged, err := strconv.ParseInt(last, 10, 64)
	must(c, err)
	c.check(acknowledged)
}

// check opens the index: all that was acknowledged is there, and of the batch
// that was under way all or nothing.
func (c *crasher) check(acknowledged int64) {
	c.Helper()
	x, err := Open(c.dir, crashDimensions, Options{})
	must(c, err)
	defer func() { must(c, x.Close()) }()
	if x.Rebuilt() != nil || x.Change() < acknowledged || x.Change() > acknowledged+1 {
		c.Fatalf("rebuilt %v, change %d, acknowledged %d", x.Rebuilt(), x.Change(), acknowledged)
	}
	for ; c.done < x.Change(); c.done++ {
		put, remove := batchOf(c.done + 1)
		for _, id := range remove {
			delete(c.rows, id)
		}
		for _, v := range put {
			c.rows[v.ID] = stored(v.Values)
		}
	}
	w := &world{TB: c, x: x, rows: c.rows}
	for id := range int64(crashIDs) {
		got, ok, err := x.Vector(id)
		must(c, err)
		if want, there := c.rows[id]; ok != there || !slices.Equal(got, want) {
			c.Fatalf("change %d: vector %d: got %v, want %v", x.Change(), id, ok, there)
		}
	}
	w.compare(random(rand.New(rand.NewPCG(uint64(c.done), 3)), crashDimensions), len(c.rows)/10, nil)
	w.compare(random(rand.New(rand.NewPCG(uint64(c.done), 4)), crashDimensions), len(c.rows), nil)
	if len(c.rows) != x.Len() {
		c.Fatalf("%d rows, want %d: %v", x.Len(), len(c.rows), slices.Sorted(maps.Keys(c.rows))[:10])
	}
}
