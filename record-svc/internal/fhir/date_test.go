package fhir

import (
	"testing"
	"time"
)

func TestParseDate(t *testing.T) {
	at := func(s string) time.Time {
		instant, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			t.Fatal(err)
		}
		return instant
	}
	good := map[string]struct {
		instant   string
		precision Precision
	}{
		"1970":                             {"1970-01-01T00:00:00Z", PrecisionYear},
		"1970-09":                          {"1970-09-01T00:00:00Z", PrecisionMonth},
		"1970-09-11":                       {"1970-09-11T00:00:00Z", PrecisionDay},
		"2020-02-29":                       {"2020-02-29T00:00:00Z", PrecisionDay},
		"2019-12-10T13:00:00+00:00":        {"2019-12-10T13:00:00Z", PrecisionTime},
		"2021-10-13T16:20:27+07:00":        {"2021-10-13T09:20:27Z", PrecisionTime},
		"2012-04-11T18:45:11.300+00:00":    {"2012-04-11T18:45:11.3Z", PrecisionTime},
		"2023-06-15T15:00:00.000Z":         {"2023-06-15T15:00:00Z", PrecisionTime},
		"2016-12-31T23:59:60Z":             {"2016-12-31T23:59:59Z", PrecisionTime},
		"2016-12-31T23:59":                 {"2016-12-31T23:59:00Z", PrecisionTime},
		"2016-12-31T23:59Z":                {"2016-12-31T23:59:00Z", PrecisionTime},
		"2016-12-31T23:59:10":              {"2016-12-31T23:59:10Z", PrecisionTime},
		"2012-04-11T18:45:11.123456+01:00": {"2012-04-11T17:45:11.123456Z", PrecisionTime},
	}
	for text, want := range good {
		got, ok := ParseDate(text)
		if !ok || got.Precision != want.precision || !got.Instant.Equal(at(want.instant)) || got.Written != text {
			t.Errorf("ParseDate(%q) = %+v, %v; want %v", text, got, ok, want)
		}
	}
	bad := []string{
		"", "not a date", "19", "1970-13", "1970-02-30", "2021-02-29", "1970-9-1", "11/09/1970", "1970-09-11 ",
		"0000", "0000-01-01", "1970-09-11T", "1970-09-11T25:00:00Z", "1970-09-11T24:00:00Z", "1970-09-11T10:00:61Z",
		"1970-09-11 10:00:00", "1970-09-11T1:00:00Z", "1970-09-11T10:00:00,5Z", "1970-09-11T10:00:00z", "１９７０",
		"2021-02-29T10:00:00Z", "1970-09-11T10:00:00+99:00", "20210229", "-970",
		"0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00",
	}
	for _, text := range bad {
		if got, ok := ParseDate(text); ok {
			t.Errorf("ParseDate(%q) = %+v, want a refusal", text, got)
		}
	}
}

func TestDateDay(t *testing.T) {
	for text, want := range map[string]string{"1970": "1970", "1970-09-11": "1970-09-11", "2019-12-10T13:00:00Z": "2019-12-10"} {
		date, _ := ParseDate(text)
		if date.Day() != want {
			t.Errorf("Day of %s = %s, want %s", text, date.Day(), want)
		}
	}
}
