package words

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// vectorLine is how long a line of a file of vectors may be.
const vectorLine = 1 << 20

// ReadVectors reads vectors of words from text as GloVe's: a word and its values a
// line, spaces between. word2vec's text has a line with the number of words and of
// values before them, which is passed over. Words that are not wanted are not kept; of
// a word that stands twice the first counts.
func ReadVectors(input io.Reader, wanted func(word string) bool) (vectors map[string][]float32, width int, err error) {
	lines := bufio.NewScanner(input)
	lines.Buffer(nil, vectorLine)
	vectors = map[string][]float32{}
	for number := 1; lines.Scan(); number++ {
		fields := strings.Fields(lines.Text())
		if len(fields) == 0 || number == 1 && isHeader(fields) {
			continue
		}
		if width == 0 {
			width = len(fields) - 1
		}
		if width < 2 || len(fields) <= width {
			return nil, 0, fmt.Errorf("line %d of the words' vectors has %d fields: a word and %d values are wanted; is it GloVe's or word2vec's text?", number, len(fields), max(width, 2))
		}
		// GloVe's largest file has words of several parts.
		values := fields[len(fields)-width:]
		word := strings.Join(fields[:len(fields)-width], " ")
		if _, known := vectors[word]; known || !wanted(word) {
			continue
		}
		if vectors[word], err = parseVector(values); err != nil {
			return nil, 0, fmt.Errorf("line %d of the words' vectors, %.40q: %w", number, word, err)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, 0, fmt.Errorf("words' vectors: %w", err)
	}
	if width == 0 {
		return nil, 0, errors.New("the file of words' vectors is empty: name another")
	}
	return vectors, width, nil
}

// isHeader reports whether a file's first line is word2vec's.
func isHeader(fields []string) bool {
	if len(fields) != 2 {
		return false
	}
	for _, field := range fields {
		if strings.Trim(field, "0123456789") != "" {
			return false
		}
	}
	return true
}

func parseVector(fields []string) ([]float32, error) {
	values := make([]float32, len(fields))
	for i, field := range fields {
		value, err := strconv.ParseFloat(field, 32)
		if err != nil || math.IsNaN(value) || math.IsInf(value, 0) {
			return nil, fmt.Errorf("value %d is %.20q, which is no number", i+1, field)
		}
		values[i] = float32(value)
	}
	return values, nil
}

// WriteVectors writes what ReadVectors reads.
func WriteVectors(output io.Writer, list []string, vectors [][]float32) error {
	writer := bufio.NewWriter(output)
	for i, word := range list {
		line := []byte(word)
		for _, value := range vectors[i] {
			line = strconv.AppendFloat(append(line, ' '), float64(value), 'g', 6, 32)
		}
		if _, err := writer.Write(append(line, '\n')); err != nil {
			return err
		}
	}
	return writer.Flush()
}
