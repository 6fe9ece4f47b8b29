// Command vsectl searches photos and steers the vsed daemon.
package main

import (
	"os"

	"vsed/cli"
)

func main() { os.Exit(cli.Main(os.Args, os.Stdout, os.Stderr)) }
