package fhir

import "iter"

// The functions of this file step over JSON that is known to be valid and no
// deeper than the limit, so that a resource is not decoded again for each
// question about it.

// Elements yields the raw elements of a JSON list, as slices of data.
func Elements(data []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		at := space(data, 0)
		if at >= len(data) || data[at] != '[' {
			return
		}
		at = space(data, at+1)
		for at < len(data) && data[at] != ']' {
			end := skip(data, at)
			if !yield(data[at:end]) {
				return
			}
			at = next(data, end)
		}
	}
}

// Members yields the raw members of a JSON object: name and value, as slices of
// data. A name that is there twice is yielded twice.
func Members(data []byte) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		at := space(data, 0)
		if at >= len(data) || data[at] != '{' {
			return
		}
		at = space(data, at+1)
		for at < len(data) && data[at] == '"' {
			nameEnd := skip(data, at)
			name := unquote(data[at:nameEnd])
			at = space(data, nameEnd)
			at = space(data, at+1) // the colon
			end := skip(data, at)
			if !yield(name, data[at:end]) {
				return
			}
			at = next(data, end)
		}
	}
}

// Head is the type and id of a resource, without decoding the rest.
func Head(raw []byte) (resourceType, id string) {
	for name, value := range Members(raw) {
		switch name {
		case "resourceType":
			resourceType, _ = scalar(value)
		case "id":
			id, _ = scalar(value)
		}
	}
	return resourceType, id
}

// next steps over white space and one comma.
func next(data []byte, at int) int {
	at = space(data, at)
	if at < len(data) && data[at] == ',' {
		at = space(data, at+1)
	}
	return at
}

// space steps over white space.
func space(data []byte, at int) int {
	for at < len(data) {
		switch data[at] {
		case ' ', '\t', '\n', '\r':
			at++
		default:
			return at
		}
	}
	return at
}

// skip is the offset behind the value that starts at at. It counts brackets,
// so it needs no recursion, and always moves on.
func skip(data []byte, at int) int {
	depth := 0
	for at < len(data) {
		switch data[at] {
		case '"':
			at = skipString(data, at)
			if depth == 0 {
				return at
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
			if depth <= 0 {
				return at + 1
			}
		default:
			if depth == 0 {
				return skipScalar(data, at)
			}
		}
		at++
	}
	return at
}

func skipString(data []byte, at int) int {
	for at++; at < len(data); at++ {
		switch data[at] {
		case '\\':
			at++
		case '"':
			return at + 1
		}
	}
	return len(data)
}

func skipScalar(data []byte, at int) int {
	for at++; at < len(data); at++ {
		switch data[at] {
		case ',', ']', '}', ' ', '\t', '\n', '\r':
			return at
		}
	}
	return at
}

// TooDeep tells whether data nests objects and lists more than limit deep. It
// looks at brackets outside of strings only, needs no valid JSON and no stack,
// and so comes before every decoder.
func TooDeep(data []byte, limit int) bool {
	depth := 0
	for at := 0; at < len(data); at++ {
		switch data[at] {
		case '"':
			at = skipString(data, at) - 1
		case '{', '[':
			if depth++; depth > limit {
				return true
			}
		case '}', ']':
			depth--
		}
	}
	return false
}
