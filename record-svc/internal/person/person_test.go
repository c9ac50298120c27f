package person

import (
	"testing"

	"github.com/dorsetcarerecord/dcr/record-svc/internal/fhir"
	"github.com/google/go-cmp/cmp"
)

func TestMatch(t *testing.T) {
	who := func(family, given, born string) Demographics {
		d := Demographics{Family: family, BirthDate: born}
		if given != "" {
			d.Given = []string{given, "Second"}
		}
		return d
	}
	known := who("Smith", "Ann", "1970-09-11")
	twins := []Demographics{who("Smith", "Bea", "1970-09-11")}
	cases := map[string]struct {
		incoming Demographics
		known    *Demographics
		others   []Demographics
		want     Reason
	}{
		"nobody known":                   {who("Smith", "Ann", "1970-09-11"), nil, twins, Fits},
		"the same":                       {who("Smith", "Ann", "1970-09-11"), &known, nil, Fits},
		"case and accents":               {who("SMÏTH", "ánn", "1970-09-11"), &known, nil, Fits},
		"married":                        {who("Jones", "Ann", "1970-09-11"), &known, nil, Fits},
		"called by another name":         {who("Smith", "Nan", "1970-09-11"), &known, nil, Fits},
		"another name, the twin differs": {who("Smith", "Nan", "1970-09-11"), &known, twins, Fits},
		"the twin":                       {who("Smith", "BEA", "1970-09-11"), &known, twins, FitsAnother},
		"own name beside a twin":         {who("Smith", "Ann", "1970-09-11"), &known, twins, Fits},
		"namesake of another birth date": {who("Smith", "Bea", "1970-09-11"), &known, []Demographics{who("Smith", "Bea", "1971-09-11")}, Fits},
		"birth date differs":             {who("Smith", "Ann", "1970-09-12"), &known, nil, BirthDateDiffers},
		"both names differ":              {who("Jones", "Bea", "1970-09-11"), &known, nil, NameDiffers},
		"both names and a twin":          {who("Jones", "Bea", "1970-09-11"), &known, twins, NameDiffers},
		"year of birth only":             {who("Smith", "Ann", "1970"), &known, nil, Fits},
		"another year":                   {who("Smith", "Ann", "1971"), &known, nil, BirthDateDiffers},
		"no birth date":                  {who("Smith", "Ann", ""), &known, nil, Fits},
		"no given name":                  {who("Jones", "", "1970-09-11"), &known, twins, Fits},
		"no family name":                 {who("", "Bea", "1970-09-11"), &known, nil, Fits},
		"nothing said":                   {Demographics{}, &known, twins, Fits},
		"nothing known":                  {who("Smith", "Ann", "1970-09-11"), &Demographics{}, nil, Fits},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := Match(c.incoming, c.known, c.others); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if (c.want.Text() == "") != (c.want == Fits) {
				t.Errorf("reason %q has text %q", c.want, c.want.Text())
			}
		})
	}
}

func TestFold(t *testing.T) {
	for name, want := range map[string]string{
		"O'Brien": "obrien", "Ó Brien": "obrien", "Smith-Jones": "smithjones", "SMITH JONES": "smithjones", "Müller": "muller",
		"Groß": "gross", "Øster": "oster", "Łukasz": "lukasz", "ﬁona": "fiona", "Zoë": "zoe", "": "", "--": "", "Henry 8": "henry8",
		"李": "李", "İbrahim": "ibrahim",
	} {
		if got := Fold(name); got != want {
			t.Errorf("Fold(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestOf(t *testing.T) {
	r, err := fhir.Decode([]byte(`{"birthDate":"1970-09-11","name":[{"use":"maiden","family":"Old"},{"use":"nickname","family":"Nick"},
		{"use":"official","family":"Smith","given":["Ann","Bea"]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	want := Demographics{Family: "Smith", Given: []string{"Ann", "Bea"}, BirthDate: "1970-09-11"}
	if diff := cmp.Diff(want, Of(r)); diff != "" {
		t.Error(diff)
	}
}
