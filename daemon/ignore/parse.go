package ignore

import "strings"

// parse reads one line; ok is false where it holds no pattern.
func parse(line string) (one pattern, ok bool) {
	if strings.HasPrefix(line, "#") {
		return pattern{}, false
	}
	line = trimSpaces(line)
	line, one.wanted = strings.CutPrefix(line, "!")
	line, one.onlyInDir = strings.CutSuffix(line, "/")
	one.anchored = strings.Contains(line, "/")
	line = strings.TrimPrefix(line, "/")
	if line == "" {
		return pattern{}, false
	}
	// What lies in the folder is meant, not the folder itself.
	if strings.HasSuffix(line, "/**") {
		line += "/*"
	}
	one.glob = translate(line)
	return one, true
}

// trimSpaces cuts the spaces at the end, up to one behind a backslash.
func trimSpaces(line string) string {
	end := len(strings.TrimRight(line, " "))
	if end < len(line) && backslashesBefore(line, end)%2 == 1 {
		end++
	}
	return line[:end]
}

func backslashesBefore(line string, end int) int {
	return end - len(strings.TrimRight(line[:end], `\`))
}

// translate puts a pattern of gitignore into doublestar's syntax, which has
// braces, but no "[]…]" and no "[[:alpha:]]".
func translate(line string) string {
	var glob strings.Builder
	for line != "" {
		switch line[0] {
		case '\\':
			take := min(2, len(line))
			glob.WriteString(line[:take])
			line = line[take:]
		case '[':
			line = translateClass(&glob, line)
		case '{', '}':
			glob.WriteByte('\\')
			fallthrough
		default:
			glob.WriteByte(line[0])
			line = line[1:]
		}
	}
	return glob.String()
}

// named are the character classes of POSIX, of ASCII as in git.
var named = map[string]string{
	"alnum": "a-zA-Z0-9", "alpha": "a-zA-Z", "blank": " \t", "digit": "0-9", "lower": "a-z", "upper": "A-Z",
	"space": " \t\n\v\f\r", "xdigit": "0-9a-fA-F", "cntrl": "\x00-\x1f\x7f", "graph": "!-~", "print": " -~",
	"punct": "!-/:-@\\[-`{-~",
}

// translateClass takes "[…]" off a line and gives the rest of it.
func translateClass(glob *strings.Builder, line string) string {
	glob.WriteByte('[')
	line = line[1:]
	if line != "" && (line[0] == '!' || line[0] == '^') {
		glob.WriteByte('^')
		line = line[1:]
	}
	for first := true; line != ""; first = false {
		if rest, ok := strings.CutPrefix(line, "[:"); ok {
			if name, rest, ok := strings.Cut(rest, ":]"); ok && named[name] != "" {
				glob.WriteString(named[name])
				line = rest
				continue
			}
		}
		switch c := line[0]; {
		case c == ']' && !first:
			glob.WriteByte(']')
			return line[1:]
		case c == '\\' && len(line) > 1:
			glob.WriteString(line[:2])
			line = line[2:]
			continue
		case strings.IndexByte("[]{}", c) >= 0:
			glob.WriteByte('\\')
		}
		glob.WriteByte(line[0])
		line = line[1:]
	}
	return ""
}
