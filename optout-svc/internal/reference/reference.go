// Package reference makes the references that people are given for their request. One is read out on the
// telephone, so it has no letters that look or are written alike, comes in groups of four, and ends in a
// check symbol that finds every single slip and every two symbols that changed places.
//
// Eleven random symbols are 54 bits: two people with the same one are not to be expected in a lifetime, and
// one cannot be guessed from another.
package reference

import (
	"crypto/rand"
	"errors"
	"strings"
)

// alphabet is 31 symbols: without 0 and O, 1, I and L. That 31 is a prime is what lets one check symbol
// find all those slips.
const alphabet = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"

const (
	symbols     = 12 // the last one is the check symbol
	codeSymbols = 8
	group       = 4
	prime       = len(alphabet)
	// unbiased is the largest multiple of prime that fits a byte: bytes above it are drawn again, so that
	// no symbol is likelier than another.
	unbiased = 256 / prime * prime
)

// ErrReference is returned for text that is no reference. It does not quote the text.
var ErrReference = errors.New("a reference is twelve letters and digits, such as K7M2-9QXT-4WPC, and its check symbol must fit")

// New draws a reference, in its form for people: "K7M2-9QXT-4WPC".
func New() string {
	values := draw(symbols - 1)
	return text(append(values, check(values)))
}

// draw draws so many symbols.
func draw(n int) []int {
	values := make([]int, 0, n+1)
	for len(values) < n {
		var drawn [symbols]byte
		_, _ = rand.Read(drawn[:]) // never fails: documented
		for _, b := range drawn {
			if int(b) < unbiased && len(values) < n {
				values = append(values, int(b)%prime)
			}
		}
	}
	return values
}

// Parse reads a reference as somebody wrote or heard it, in capitals or not, with or without its hyphens,
// and gives its form for people. The error is ErrReference.
func Parse(s string) (string, error) {
	values, err := read(s)
	if err != nil || len(values) != symbols || check(values[:symbols-1]) != values[symbols-1] {
		return "", ErrReference
	}
	return text(values), nil
}

// read reads symbols as somebody wrote them.
func read(s string) ([]int, error) {
	if len(s) > 4*symbols {
		return nil, ErrReference
	}
	var values []int
	for _, r := range strings.ToUpper(s) {
		if r == ' ' || r == '-' {
			continue
		}
		v := strings.IndexRune(alphabet, r)
		if v < 0 {
			return nil, ErrReference
		}
		values = append(values, v)
	}
	return values, nil
}

// check is the symbol with which the sum of all symbols, each times its place, is a multiple of the prime.
func check(values []int) int {
	sum := 0
	for i, v := range values {
		sum += (i + 1) * v
	}
	// symbols * c = -sum modulo prime; the inverse of 12 modulo 31 is 13.
	const inverse = 13
	return (prime - sum%prime) * inverse % prime
}

func text(values []int) string {
	var b strings.Builder
	for i, v := range values {
		if i > 0 && i%group == 0 {
			b.WriteByte('-')
		}
		b.WriteByte(alphabet[v])
	}
	return b.String()
}

// NewCode draws a one-time code, in its form for people: "K7M2-9QXT". It is typed from a letter and not read
// out, and has no check symbol: a wrong one is to be told nothing. Eight symbols are 39 bits, and few may be
// tried.
func NewCode() string { return text(draw(codeSymbols)) }

// ParseCode reads a code as somebody typed it. The error is ErrReference.
func ParseCode(s string) (string, error) {
	values, err := read(s)
	if err != nil || len(values) != codeSymbols {
		return "", ErrReference
	}
	return text(values), nil
}
