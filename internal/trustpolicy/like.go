package trustpolicy

// Wildcards of a pattern that is not text: no text has these runes.
const (
	anyText = -1 - iota
	anyRune
)

// Like matches as StringLike does: * is any text, ? any one character.
func Like(pattern, text string) bool { return like(wildcards(pattern), []rune(text)) }

func wildcards(pattern string) []rune {
	p := []rune(pattern)
	for i, r := range p {
		switch r {
		case '*':
			p[i] = anyText
		case '?':
			p[i] = anyRune
		}
	}
	return p
}

func like(p, t []rune) bool {
	star, mark, i := -1, 0, 0
	for j := 0; j < len(t); {
		switch {
		case i < len(p) && p[i] == anyText:
			star, mark = i, j
			i++
		case i < len(p) && (p[i] == anyRune || p[i] == t[j]):
			i++
			j++
		case star >= 0:
			mark++
			i, j = star+1, mark
		default:
			return false
		}
	}
	for ; i < len(p); i++ {
		if p[i] != anyText {
			return false
		}
	}
	return true
}
