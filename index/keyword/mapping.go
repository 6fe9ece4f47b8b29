package keyword

import (
	"fmt"
	"slices"

	"github.com/blevesearch/bleve/v2"
	"github.com/blevesearch/bleve/v2/analysis/analyzer/custom"
	"github.com/blevesearch/bleve/v2/analysis/analyzer/keyword"
	"github.com/blevesearch/bleve/v2/analysis/token/unique"
	"github.com/blevesearch/bleve/v2/analysis/tokenizer/unicode"
	"github.com/blevesearch/bleve/v2/mapping"
)

// The fields of a document.
const (
	fieldWhole = "whole" // each tag in its normal form, one term each
	fieldName  = "name"  // each file name likewise, with and without its extension

	// The words of what their names say.
	fieldTags         = "tags"
	fieldTitles       = "titles"
	fieldDescriptions = "descriptions"
	fieldNames        = "names" // of files
	fieldPlaces       = "places"
	fieldCameras      = "cameras"
	fieldFolders      = "folders"
)

// analyserName names the analyser of words, which gets text as words made it:
// Unicode's word borders (they part Chinese and Japanese characters), then no
// stop words and the stems of the index's language.
const analyserName = "words"

// format is part of each index and changes with anything here or in words.go
// that makes an old index answer wrongly: an index of another format is built
// anew. The language stands behind it.
const format = "4 "

func newMapping(language string) (*mapping.IndexMappingImpl, error) {
	scheme := bleve.NewIndexMapping()
	err := scheme.AddCustomAnalyzer(analyserName, map[string]any{
		"type":          custom.Name,
		"tokenizer":     unicode.Name,
		"token_filters": append(slices.Clone(filters[language]), unique.Name),
	})
	if err != nil {
		return nil, fmt.Errorf("keyword index: analyser: %w", err)
	}
	scheme.DefaultMapping = bleve.NewDocumentStaticMapping()
	for _, field := range []string{fieldWhole, fieldName} {
		scheme.DefaultMapping.AddFieldMappingsAt(field, newField(keyword.Name))
	}
	for _, field := range wordFields {
		scheme.DefaultMapping.AddFieldMappingsAt(field.name, newField(analyserName))
	}
	scheme.StoreDynamic, scheme.IndexDynamic, scheme.DocValuesDynamic = false, false, false
	return scheme, nil
}

// newField is a field that can be searched and nothing else: no stored text, no
// positions, no column for sorting.
func newField(analyser string) *mapping.FieldMapping {
	field := bleve.NewTextFieldMapping()
	field.Analyzer = analyser
	field.Store, field.IncludeTermVectors, field.IncludeInAll, field.DocValues = false, false, false, false
	return field
}
