package claim

import (
	"errors"
	"time"
)

// oldest is the greatest age of anybody on earth, with years to spare.
const oldest = 130

// Date is a day, YYYY-MM-DD. Dates compare as strings do. The empty Date is none.
type Date string

var errDate = errors.New("must be a date that exists, as YYYY-MM-DD")

// ParseDate reads a day of the calendar; 30 February is none.
func ParseDate(s string) (Date, error) {
	if _, err := time.Parse(time.DateOnly, s); err != nil {
		return "", errDate
	}
	return Date(s), nil
}

// Age in whole years on a day; negative before birth. Somebody born on 29 February is a year older on
// 1 March in years without it.
func (d Date) Age(on Date) int {
	born, err := time.Parse(time.DateOnly, string(d))
	if err != nil {
		return -1
	}
	day, err := time.Parse(time.DateOnly, string(on))
	if err != nil {
		return -1
	}
	age := day.Year() - born.Year()
	if string(on)[4:] < string(d)[4:] { // month and day
		age--
	}
	return age
}
