package county

import (
	"fmt"
	"strconv"
)

// numberRange is the part of the 999 test range that the county uses. The shared test data has none in it.
const numberRange = 9998

// numbers deals out valid NHS numbers, none twice.
type numbers struct{ body uint64 }

// newNumbers starts somewhere in the first half of the range, depending on the seed.
func newNumbers(seed uint64) *numbers { return &numbers{body: seed % 50_000} }

// next is the next valid number: nine digits, those without a check digit skipped.
func (n *numbers) next() string {
	for {
		digits := fmt.Sprintf("%d%05d", numberRange, n.body)
		n.body += 7 // spread, so that neighbours differ in more than the last digit
		if check, ok := checkDigit(digits); ok {
			return digits + strconv.Itoa(check)
		}
	}
}

// checkDigit of nine digits by modulus 11 with weights 10 to 2 (DOMAIN.md section 9). ok is false where none exists.
func checkDigit(digits string) (check int, ok bool) {
	sum := 0
	for i, d := range digits {
		sum += int(d-'0') * (10 - i)
	}
	check = 11 - sum%11
	if check == 11 {
		check = 0
	}
	return check, check != 10
}
