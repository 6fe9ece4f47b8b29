package server

import (
	"bufio"
	"strings"

	"vsed/daemon/api"
)

// writeCSVHead names the columns of writeCSV.
func writeCSVHead(w *bufio.Writer) {
	writeRow(w, "path", "path_base64", "digest", "tag", "source", "note")
}

// folderRemoved notes that the path is where the photo was: none is known now.
const folderRemoved = "folder removed"

// writeCSV writes a row for each tag of each file of the photo; a photo of which
// no file is known has rows with the last path that it had, and a note. Errors
// stay in w.
func writeCSV(w *bufio.Writer, photo api.Photo) {
	paths, note := photo.Paths, ""
	if len(paths) == 0 {
		paths, note = []api.Path{photo.Path}, folderRemoved
	}
	for _, path := range paths {
		for _, tag := range photo.Tags {
			writeRow(w, path.Text, path.Base64, photo.Digest, tag.Name, tag.Source, note)
		}
	}
}

// writeRow writes every cell in quotes, so that a programme that separates at
// another character than the comma finds no cell within a cell.
func writeRow(w *bufio.Writer, cells ...string) {
	for i, cell := range cells {
		if i > 0 {
			w.WriteByte(',')
		}
		w.WriteByte('"')
		w.WriteString(strings.ReplaceAll(plainCell(cell), `"`, `""`))
		w.WriteByte('"')
	}
	w.WriteString("\r\n")
}

// plainCell keeps a spreadsheet from taking a tag that a stranger's file brought
// for a formula: such a cell begins with ' instead. What begins with ' gets one
// more, so that taking one away always gives the text back.
func plainCell(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r\n'＝＋－＠", []rune(cell)[0]) {
		return "'" + cell
	}
	return cell
}
