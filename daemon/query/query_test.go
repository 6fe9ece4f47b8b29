package query

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
)

// settings are of a Thursday in October, in the north.
var settings = Settings{Now: time.Date(2024, time.October, 17, 23, 59, 0, 0, time.FixedZone("", 7200))}

// parse also checks that what String writes is read as the same query.
func parse(t *testing.T, text string) Query {
	t.Helper()
	q, err := Parse(text, settings)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	again, err := Parse(q.String(), Settings{})
	if err != nil || !reflect.DeepEqual(q, again) {
		t.Errorf("%q is printed as %q, which is read as %+v, %v; want %+v", text, q, again, err, q)
	}
	return q
}

func TestCanonicalForm(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		if got := parse(t, text).String(); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
	f("a dog  on\tthe beach", "a dog on the beach")
	f("dog tag:beach on sand -tag:people", "dog on sand tag:beach -tag:people")
	f(`-"a red car" street`, `street -"a red car"`)
	f("street -cars", `street -"cars"`)
	f("TAG:Beach", "tag:Beach")
	f("tag:beach OR tag:sea", "tag:beach OR tag:sea")
	f("dog tag:a OR tag:b OR cat OR tag:c", "dog tag:a OR (tag:b OR tag:c) OR cat")
	f("(dog OR cat) on a beach tag:x", "dog on a beach tag:x OR cat on a beach tag:x")
	f("dog (tag:a OR tag:b tag:c)", "dog (tag:a OR tag:b tag:c)")
	f("-(tag:a OR tag:b)", "-(tag:a OR tag:b)")
	f("-(tag:a tag:b)", "-(tag:a tag:b)")
	f("-(-tag:a)", "tag:a")
	f("dog -(cat OR horse)", `dog -"cat" -"horse"`)
	f("dog -like:x.jpg like:id:75", `dog like:"id:75" -like:x.jpg`)
	f(`tag:"New York" place:"São Paulo" folder:2024/** name:IMG(1).jpg`, `tag:"New York" place:"São Paulo" folder:2024/** name:"IMG(1).jpg"`)
	f("(tag:a)", "tag:a")
	f("dog sort:date group:off", "dog sort:date group:off")
	f("sort:oldest", "sort:oldest")
	f("group:on", "sort:relevance")
	f("“ein Hund” -„eine Katze“", `ein Hund -"eine Katze"`)
	f("beach rating:>3 rating:<=-1", "beach rating:4..5 rating:-1..-1")
	f("rating:4 rating:1..3 rating:<2", "rating:4..4 rating:1..3 rating:-1..1")
	f("near:48.85,2.35", "near:48.85,2.35,1km")
	f("near:-33.9,151.2,800m near:0,-0,1mi", "near:-33.9,151.2,0.8km near:0,0,1.609344km")
	f("is:favorite -is:Untagged", "is:favourite -is:untagged")
}

func TestDates(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		if got := parse(t, "date:"+text).String(); got != "date:"+want {
			t.Errorf("%q: got %s, want date:%s", text, got, want)
		}
	}
	f("2024", "2024-01-01..2024-12-31")
	f("2024-02", "2024-02-01..2024-02-29")
	f("2024-06..2024-08", "2024-06-01..2024-08-31")
	f("2023..yesterday", "2023-01-01..2024-10-16")
	f("..2019", "..2019-12-31")
	f("2019..", "2019-01-01..")
	f(">2019", "2020-01-01..")
	f("<2019-05", "..2019-04-30")
	f(">=2019-05-03", "2019-05-03..")
	f("<=2019-05-03", "..2019-05-03")
	f("today", "2024-10-17..2024-10-17")
	f("yesterday", "2024-10-16..2024-10-16")
	f("this-week", "2024-10-14..2024-10-20")
	f("last-week", "2024-10-07..2024-10-13")
	f("this-month", "2024-10-01..2024-10-31")
	f("last-month", "2024-09-01..2024-09-30")
	f("This-Year", "2024-01-01..2024-12-31")
	f("last-year", "2023-01-01..2023-12-31")
	f("last-7-days", "2024-10-11..2024-10-17")
	f("last-summer", "2024-06-01..2024-08-31")
	f("last-autumn", "2023-09-01..2023-11-30")
	f("this-fall", "2024-09-01..2024-11-30")
	f("last-winter", "2023-12-01..2024-02-29")
	f("winter-2022", "2022-12-01..2023-02-28")
	f("summer-2023", "2023-06-01..2023-08-31")
}

func TestSeasonsOfTheSouth(t *testing.T) {
	f := func(now, text, want string) {
		t.Helper()
		day, err := time.Parse(dayLayout, now)
		if err != nil {
			t.Fatal(err)
		}
		q, err := Parse("date:"+text, Settings{Now: day, South: true})
		if err != nil || q.String() != "date:"+want {
			t.Errorf("%s on %s: got %v, %v, want date:%s", text, now, q, err, want)
		}
	}
	f("2024-10-17", "summer-2023", "2023-12-01..2024-02-29")
	f("2024-10-17", "last-summer", "2023-12-01..2024-02-29")
	f("2024-10-17", "last-winter", "2024-06-01..2024-08-31")
	f("2025-01-17", "this-summer", "2024-12-01..2025-02-28")
	f("2025-01-17", "last-summer", "2023-12-01..2024-02-29")
	f("2024-03-31", "last-month", "2024-02-01..2024-02-29")
}

// Ordinary text may hold what looks like a sign.
func TestTextStaysASentence(t *testing.T) {
	for _, text := range []string{
		"10:30", "a train at 10:30", "anti-war protest", `C:\`, `C:\Users\me`, "-5 degrees", "dog - cat", "-- x", "2024-06-30", "note: a dog",
		"https://example.org/a:b", "smile :) and :-(", "IMG(1).jpg", `a 12" record`, "OR", "Portland OR", "OR cat", "AND NOT x", "or", "ORANGE", "é:b", "注意:犬", "🏖️ 🐶",
		"😀-😀", "كلب على الشاطئ", "犬と海", "a:b", "'tis", "a*b", "5>=3", "x—y",
	} {
		q := parse(t, text)
		if len(q.Alternatives) != 1 || !reflect.DeepEqual(q.Alternatives[0], Alternative{Text: text}) {
			t.Errorf("%q: got %+v", text, q.Alternatives)
		}
	}
	for text, want := range map[string]string{
		`"tag:beach"`: "tag:beach", `tag\:beach`: "tag:beach", `\-tag`: "-tag", `\"x`: `"x`, `\(a\)`: "(a)", `"a \"b\" (c)"`: `a "b" (c)`, `"OR"`: "OR",
		"\x00dog\x00": "dog", "dog\xff": "dog\uFFFD", `"a` + "\x00" + `b"`: "a b", `tag\\`: `tag\`, "(a dog)": "a dog", "a\u202eb": "a\u202eb",
	} {
		if got := parse(t, text).Alternatives[0].Text; got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestErrorsSayWhereAndWhatToDo(t *testing.T) {
	f := func(text string, character int, parts ...string) {
		t.Helper()
		_, err := Parse(text, settings)
		var wrong *Error
		if !errors.As(err, &wrong) || wrong.Character != character {
			t.Errorf("%.40q: got %v, want an error at %d", text, err, character)
			return
		}
		for _, part := range parts {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%q: %q lacks %q", text, err, part)
			}
		}
		if strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: more than a line: %q", text, err)
		}
	}
	f("", 1, "empty")
	f(" \n\x00", 1, "empty")
	f("dog tga:beach", 5, "tga:", "did you mean tag:?", "quotation marks")
	f("été camra:pixel", 5, "did you mean camera:?")
	f("colour:red", 1, "there are tag, date", "quotation marks")
	f("dog tag:", 5, "as in tag:beach")
	f("tag: beach", 1, "tag:beach")
	f(`tag:""`, 1, "needs a value")
	f(`dog "red`, 5, "no partner")
	f(`tag:"red`, 5, "no partner")
	f(`dog ""`, 5, "nothing stands")
	f("dog (cat", 5, "never closed")
	f("dog ()", 5, "nothing stands")
	f("sort:date OR dog", 1, "both sides")
	f("dog -(cat tag:x)", 5, "either words or filters")
	f("dog -(a -b)", 5, "within another")
	f("-sort:date dog", 1, "minus")
	f("(sort:date dog)", 2, "outside the brackets")
	f("dog sort:date sort:oldest", 15, "second time")
	f("dog sort:size", 10, "date, oldest or relevance")
	f("group:maybe", 7, "on or off")
	for _, date := range []string{"2024-13", "soon", "..", "last-", "last-0-days", "summer", "last-summer-2023", "1200", "9999", "2024..soon", ">", "last-99999-days"} {
		f("date:"+date, 6, "2023..2024-06")
	}
	f("date:2024..2023", 6, "ends before it begins")
	for _, rating := range []string{"6", ">=6", ">5", "<-1", "x", "3..1", ">", "1..", "good"} {
		f("rating:"+rating, 8, "rating:>=3")
	}
	for _, place := range []string{"1", "91,0", "0,181", "NaN,0", "0,0,0km", "0,0,5parsecs", "0,0,1e9", "a,b,c", "1,2,3,4", "0,0,-5"} {
		f("near:"+place, 6, "near:48.85,2.35,5km")
	}
	f("is:blue", 4, "untagged")
	f(strings.Repeat("(", 40), 33, "deep")
	f(strings.Repeat("(a OR b) ", 5), 1, "different sentences")
	f(strings.Repeat("dog OR ", 20)+"cat", 1, "different sentences")
}

func TestLongQueries(t *testing.T) {
	for _, text := range []string{
		strings.Repeat("beach ", 1700), strings.Repeat("🐶", 2500), strings.Repeat("tag:a OR ", 1000) + "tag:b", strings.Repeat("-tag:a ", 1400), strings.Repeat("\\", 10<<10),
		strings.Repeat(":", 10<<10), strings.Repeat(")", 10<<10), strings.Repeat("-", 10<<10),
	} {
		parse(t, text)
	}
	for _, text := range []string{strings.Repeat("(", 10<<10), strings.Repeat("-(", 5<<10), strings.Repeat(`"`, 10<<10), strings.Repeat("(a OR b)", 1200)} {
		if _, err := Parse(text, settings); err == nil {
			t.Errorf("%.20q: no error", text)
		}
	}
}

// FuzzParse: no text crashes, an error has a place in the text, and what String
// writes is read as the same query.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`a dog (tag:beach OR tag:"New York") -tag:people -"a red car" OR like:id:75 sort:date group:off`, "date:last-summer rating:>=3 near:48.85,2.35,5km",
		`C:\ 10:30 anti-war "a \" b" \(x\) -5`, "“x” -(a OR b) name:a*\xff\x00", "date:2024..today -(-is:offline) (a (b OR c)) camera:x(1)", "tag: tga:x é:b http://x",
	} {
		f.Add(seed, false)
	}
	f.Fuzz(func(t *testing.T, text string, south bool) {
		settings := Settings{Now: settings.Now, South: south}
		q, err := Parse(text, settings)
		if err != nil {
			var wrong *Error
			if !errors.As(err, &wrong) || wrong.Character < 1 || wrong.Character > len(text)+1 || !reflect.DeepEqual(q, Query{}) {
				t.Fatalf("%q: %+v, %#v", text, q, err)
			}
			return
		}
		printed := q.String()
		again, err := Parse(printed, Settings{})
		if err != nil || !reflect.DeepEqual(q, again) {
			t.Fatalf("%q is printed as %q, which is read as %+v, %v; want %+v", text, printed, again, err, q)
		}
	})
}
