package ignore

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func rules(t testing.TB, above *Rules, folder, text string) *Rules {
	t.Helper()
	r, err := above.In(folder, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestMatch(t *testing.T) {
	root := rules(t, nil, ".", "\ufeff# a comment\n\n*.png\r\n!keep.png\nprivate/\n/top.jpg\nold/**/*.tif\n")
	deep := rules(t, root, "a/b", "*.gif\n!*.png\n/top.jpg")
	f := func(r *Rules, path, want string) {
		t.Helper()
		verdict, rule := r.Match(strings.TrimSuffix(path, "/"), strings.HasSuffix(path, "/"))
		if got := fmt.Sprint(verdict, " ", rule); got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
	f(nil, "a.png", "0 ")
	f(root, "a.png", "1 .vsedignore:3: *.png")
	f(root, "a/b/a.png", "1 .vsedignore:3: *.png")
	f(root, "keep.png", "2 .vsedignore:4: !keep.png")
	f(root, "a/private/", "1 .vsedignore:5: private/")
	f(root, "a/private", "0 ")
	f(root, "top.jpg", "1 .vsedignore:6: /top.jpg")
	f(root, "a/top.jpg", "0 ")
	f(root, "old/x/y/z.tif", "1 .vsedignore:7: old/**/*.tif")
	f(deep, "a/b/a.png", "2 a/b/.vsedignore:2: !*.png")
	f(deep, "a/b/c/d.gif", "1 a/b/.vsedignore:1: *.gif")
	f(deep, "a/b/top.jpg", "1 a/b/.vsedignore:3: /top.jpg")
	f(deep, "a/b/c/top.jpg", "0 ")
	f(deep, "a/b/private/", "1 .vsedignore:5: private/")
}

func TestNames(t *testing.T) {
	r := rules(t, nil, ".", strings.Repeat("é", 200)+"*\n\x1b[31m?\xff*")
	for _, one := range r.patterns {
		if len(one.name) > 130 || strings.Contains(one.name, "\x1b") || !utf8.ValidString(one.name) {
			t.Errorf("got %q", one.name)
		}
	}
}

func TestBounds(t *testing.T) {
	f := func(above *Rules, text, want string) {
		t.Helper()
		if _, err := above.In("a", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	f(nil, strings.Repeat("\n", MaxSize+1), "a/.vsedignore is larger than 64 KiB")
	f(nil, "x\n"+strings.Repeat("y", maxLength+1), "a/.vsedignore:2: the pattern is longer than 1000 bytes")
	f(nil, strings.Repeat("x\n", maxPatterns+1), "more than 2000 patterns")
	f(rules(t, nil, ".", strings.Repeat("x\n", maxPatterns)), "y", "more than 2000 patterns")
	if _, err := (*Rules)(nil).In(".", []byte(strings.Repeat("# comment\n", 6000))); err != nil {
		t.Errorf("comments: %v", err)
	}
}

// TestHostilePattern bounds what one name may cost.
func TestHostilePattern(t *testing.T) {
	start := time.Now()
	for _, text := range []string{strings.Repeat("**/*a", 190) + "b", strings.Repeat("*a", 490), strings.Repeat("**/", 330) + "b", "/" + strings.Repeat("a*/**/", 140) + "b", strings.Repeat("{a,", 330)} {
		rules(t, nil, ".", text).Match(strings.Repeat("a/", 1900)+"c", false)
		rules(t, nil, ".", text).Match(strings.Repeat("a", 255), false)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
}

var (
	gitPatterns = []string{"*.jpg", "/a.jpg", "a/", "a/b", "/a/*.jpg", "**/b", "a/**", "a/**/c.jpg", "*", "!a.jpg", "[ab].jpg", "[!a].jpg",
		"\\#x", "\\!y", "x\\ ", "x  ", "x\\\\ ", "?.jpg", "a*b/", "**", "a**", "[a-c]/", "foo\\*", "**/a/b", "a/**/", "/", "!", "[", "a[", "\\", "é.jpg",
		"[[:alpha:]].jpg", "[[:alpha:]_0-9]", "/**/b", "b/*", "/*/b", "*/b", "A.jpg", "a b.jpg", "a.jp", ".jpg", "#x", "a/*/", "**/*.jpg", "{a,b}.jpg",
		"[]a].jpg", "[a{].jpg", "a/b/c.jpg", "**/x/c.jpg", "a/x**", "*\\.jpg", "[\\]a].jpg", "[a-]", "d/**/b", "**/**/b", "a//b", "//a", "a/*b*/c.jpg"}
	gitPaths = []string{"a.jpg", "b.jpg", "a/", "a/a.jpg", "a/b/", "a/b/c.jpg", "a/c.jpg", "a/x/c.jpg", "a/a/b", "b/", "b/b", "b/a.jpg", "#x", "!y", "x ", "x",
		"axb/", "axb/f.jpg", "a b.jpg", "é.jpg", "foo*", "foox", "d/a/a/b", "d/a/b", "d/c/b", "d/b/x.jpg", "a.jpgx", "xa.jpg", "a/b2", "ab", "{a,b}.jpg", "].jpg",
		"{.jpg", "_", "7", "-", "A.jpg", "x\\"}
)

// TestAsGit compares with git, which is the reference. Left out are "?" and "[!a]"
// for letters beyond ASCII, and "a**/b", where git forgets the "a" before it
// looks for a slash in front of the stars.
func TestAsGit(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	folder := t.TempDir()
	if out, err := exec.Command("git", "init", "-q", folder).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, one := range gitPaths {
		makePath(t, folder, one)
	}
	for _, line := range gitPatterns {
		want := askGit(t, folder, line)
		for _, one := range gitPaths {
			if one == "é.jpg" && strings.ContainsAny(line, "?[") {
				continue
			}
			if got := ignored(rules(t, nil, ".", line), one); got != want[strings.TrimSuffix(one, "/")] {
				t.Errorf("pattern %q, path %q: got %v", line, one, got)
			}
		}
	}
}

func makePath(t *testing.T, folder, relative string) {
	t.Helper()
	full := filepath.Join(folder, relative)
	above := filepath.Dir(full)
	if strings.HasSuffix(relative, "/") {
		above = full
	}
	if err := os.MkdirAll(above, 0o755); err != nil {
		t.Fatal(err)
	}
	if above != full {
		if err := os.WriteFile(full, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// ignored goes down to the path as a scan does.
func ignored(r *Rules, relative string) bool {
	names := strings.Split(strings.TrimSuffix(relative, "/"), "/")
	for depth := range names {
		last := depth == len(names)-1
		verdict, _ := r.Match(strings.Join(names[:depth+1], "/"), !last || strings.HasSuffix(relative, "/"))
		if verdict == Ignored {
			return true
		}
	}
	return false
}

func askGit(t *testing.T, folder, line string) map[string]bool {
	t.Helper()
	if err := os.WriteFile(filepath.Join(folder, ".gitignore"), []byte(line+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	command := exec.Command("git", "check-ignore", "--no-index", "-z", "--stdin", "-v", "-n")
	command.Dir = folder
	var paths bytes.Buffer
	for _, one := range gitPaths {
		paths.WriteString(strings.TrimSuffix(one, "/") + "\x00")
	}
	command.Stdin = &paths
	out, _ := command.Output() // its exit status says whether anything matched
	fields := strings.Split(string(out), "\x00")
	if len(fields) != 4*len(gitPaths)+1 {
		t.Fatalf("git says %q", out)
	}
	answers := map[string]bool{}
	for i := 0; i+3 < len(fields); i += 4 {
		answers[fields[i+3]] = fields[i+2] != "" && !strings.HasPrefix(fields[i+2], "!")
	}
	return answers
}

func FuzzMatch(f *testing.F) {
	for i, line := range gitPatterns {
		f.Add([]byte(line+"\n!b"), gitPaths[i%len(gitPaths)], i%2 == 0)
	}
	f.Fuzz(func(t *testing.T, text []byte, relative string, isFolder bool) {
		if len(text) > 4096 || len(relative) > 4096 {
			return
		}
		r, err := (*Rules)(nil).In(".", text)
		if err != nil {
			return
		}
		start := time.Now()
		verdict, rule := r.Match(relative, isFolder)
		if (verdict == Unnamed) != (rule == "") || strings.ContainsAny(rule, "\x00\n\x1b") {
			t.Errorf("verdict %d by rule %q", verdict, rule)
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("took %v", took)
		}
	})
}
