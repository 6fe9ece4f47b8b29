package keyword

import (
	"maps"
	"slices"

	"github.com/blevesearch/bleve/v2/analysis/lang/da"
	"github.com/blevesearch/bleve/v2/analysis/lang/de"
	"github.com/blevesearch/bleve/v2/analysis/lang/en"
	"github.com/blevesearch/bleve/v2/analysis/lang/es"
	"github.com/blevesearch/bleve/v2/analysis/lang/fi"
	"github.com/blevesearch/bleve/v2/analysis/lang/fr"
	"github.com/blevesearch/bleve/v2/analysis/lang/hu"
	"github.com/blevesearch/bleve/v2/analysis/lang/it"
	"github.com/blevesearch/bleve/v2/analysis/lang/nl"
	"github.com/blevesearch/bleve/v2/analysis/lang/no"
	"github.com/blevesearch/bleve/v2/analysis/lang/pt"
	"github.com/blevesearch/bleve/v2/analysis/lang/ro"
	"github.com/blevesearch/bleve/v2/analysis/lang/ru"
	"github.com/blevesearch/bleve/v2/analysis/lang/sv"
	"github.com/blevesearch/bleve/v2/analysis/lang/tr"
)

// english is the language of an index where none is named.
const english = "en"

// filters are what bleve makes of the words of each language.
var filters = map[string][]string{
	"none": nil,
	"da":   {da.StopName, da.SnowballStemmerName},
	"de":   {de.StopName, de.SnowballStemmerName},
	"en":   {en.PossessiveName, en.StopName, en.SnowballStemmerName},
	"es":   {es.StopName, es.SnowballStemmerName},
	"fi":   {fi.StopName, fi.SnowballStemmerName},
	"fr":   {fr.ElisionName, fr.StopName, fr.SnowballStemmerName},
	"hu":   {hu.StopName, hu.SnowballStemmerName},
	"it":   {it.ElisionName, it.StopName, it.SnowballStemmerName},
	"nl":   {nl.StopName, nl.SnowballStemmerName},
	"no":   {no.StopName, no.SnowballStemmerName},
	"pt":   {pt.StopName, pt.LightStemmerName},
	"ro":   {ro.StopName, ro.SnowballStemmerName},
	"ru":   {ru.StopName, ru.SnowballStemmerName},
	"sv":   {sv.StopName, sv.SnowballStemmerName},
	"tr":   {tr.StopName, tr.SnowballStemmerName},
}

// Languages are the codes that Language takes: those of ISO 639, and "none" for
// words as they are.
func Languages() []string { return slices.Sorted(maps.Keys(filters)) }
