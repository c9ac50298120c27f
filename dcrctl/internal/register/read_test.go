package register_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"pgregory.net/rapid"

	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"

	"github.com/dorsetcarerecord/dcr/dcrctl/internal/register"
)

const header = "row_id,nhs_number,family_name,given_names,birth_date,postcode,choice,channel,evidence,requester,received_on\n"

func read(t *testing.T, text string) []register.Row {
	t.Helper()
	rows, err := register.Read(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestRead(t *testing.T) {
	t.Parallel()
	rows := read(t, "\ufeff"+header+
		"7,999 000 0018,O'Brien,\"Ann, Mary\",1980-05-21,dt1 1xj,out,Post,letter 7,self,2018-03-01\r\n"+
		"8,,\"'=cmd\",,1980-05-21,,,leaflet,\"two\nlines\",,\n"+
		"9,,Anning,,2015-01-01,,IN,telephone,,parent,\n")
	want := []*optoutv1.RegisterRow{
		{RowId: "7", Person: &optoutv1.ClaimedPerson{NhsNumber: "999 000 0018", FamilyName: "O'Brien", GivenNames: "Ann, Mary", BirthDate: "1980-05-21", Postcode: "dt1 1xj"},
			Choice: optoutv1.Choice_CHOICE_OUT, Channel: optoutv1.Channel_CHANNEL_POST, Evidence: "letter 7", Requester: optoutv1.Requester_REQUESTER_SELF, ReceivedOn: "2018-03-01"},
		{RowId: "8", Person: &optoutv1.ClaimedPerson{FamilyName: "=cmd", BirthDate: "1980-05-21"},
			Choice: optoutv1.Choice_CHOICE_OUT, Channel: optoutv1.Channel_CHANNEL_LEAFLET, Evidence: "two\nlines", Requester: optoutv1.Requester_REQUESTER_SELF},
		{RowId: "9", Person: &optoutv1.ClaimedPerson{FamilyName: "Anning", BirthDate: "2015-01-01"},
			Choice: optoutv1.Choice_CHOICE_IN, Channel: optoutv1.Channel_CHANNEL_TELEPHONE, Requester: optoutv1.Requester_REQUESTER_PARENT},
	}
	for i, r := range rows {
		if diff := cmp.Diff(want[i], r.Sent, protocmp.Transform()); diff != "" || r.Reason != "" {
			t.Errorf("line %d: %s %s", r.Line, r.Reason, diff)
		}
	}
	if len(rows) != 3 || rows[0].Line != 2 || rows[1].Line != 3 || rows[2].Line != 5 {
		t.Errorf("%d rows, lines %d %d %d", len(rows), rows[0].Line, rows[1].Line, rows[2].Line)
	}
}

// TestColumnsInAnyOrder: the header says which is which.
func TestColumnsInAnyOrder(t *testing.T) {
	t.Parallel()
	rows := read(t, "received_on,requester,evidence,channel,choice,postcode,birth_date,given_names,family_name,nhs_number,row_id\n2018-01-01,self,e,post,out,p,1980-01-01,g,f,n,r\n")
	if r := rows[0].Sent; r.GetRowId() != "r" || r.GetPerson().GetFamilyName() != "f" || r.GetReceivedOn() != "2018-01-01" {
		t.Errorf("%v", r)
	}
}

// TestFilesThatAreNotBelieved: nothing of them is sent, and the error does not quote them.
func TestFilesThatAreNotBelieved(t *testing.T) {
	t.Parallel()
	good := "7,,Secretname,,1980-05-21,,out,post,x,self,\n"
	for name, c := range map[string]struct{ text, want string }{
		"empty":               {"", "empty"},
		"header alone":        {header, "no rows"},
		"cut off":             {header + good + "8,,Secretname,,1980-05-2", "cut off"},
		"cut off at a column": {header + good + "8,,Secretname,,1980-05-21,,out,post,x,self,", "cut off"},
		"no header":           {good, "11 missing"},
		"column missing":      {strings.Replace(header, "postcode,", "", 1) + good, "1 missing (postcode)"},
		"column unknown":      {strings.Replace(header, "\n", ",secretcolumn\n", 1) + good, "1 unknown"},
		"column twice":        {strings.Replace(header, "\n", ",row_id\n", 1) + good, "1 unknown or there twice"},
		"semicolons":          {strings.ReplaceAll(header, ",", ";") + good, "commas"},
		"Latin-1":             {header + "7,,Secretname\xe9,,1980-05-21,,out,post,x,self,\n", "UTF-8"},
		"torn quotes":         {header + good + "8,,\"Secretname,,1980-05-21,,out,post,x,self,\n", "line 3"},
		"quote inside":        {header + "7,,Secret\"name,,1980-05-21,,out,post,x,self,\n", "line 2, column"},
	} {
		rows, err := register.Read(strings.NewReader(c.text))
		if err == nil || !strings.Contains(err.Error(), c.want) || rows != nil {
			t.Errorf("%s: %v, %d rows", name, err, len(rows))
		}
		if err != nil && strings.Contains(strings.ToLower(err.Error()), "secret") {
			t.Errorf("%s: the error quotes the file: %v", name, err)
		}
	}
}

// TestRowsThatAreNotSent: each has its reason, its line and its id, and nothing else of it is kept.
func TestRowsThatAreNotSent(t *testing.T) {
	t.Parallel()
	rows := read(t, header+
		"1,,Anning,,1980-05-21,,out,post,x,self,\n"+
		"2,,Anning,,1980-05-21,out,post,x,self,\n"+
		"3,,Anning,,1980-05-21,,maybe,post,x,self,\n"+
		"4,,Anning,,1980-05-21,,out,fax,x,self,\n"+
		"5,,Anning,,1980-05-21,,out,,x,self,\n"+
		"6,,Anning,,1980-05-21,,out,post,x,gp,\n"+
		",,Anning,,1980-05-21,,out,post,x,self,\n"+
		"8,,"+strings.Repeat("é", 101)+",,1980-05-21,,out,post,x,self,\n"+
		"9,,"+strings.Repeat("é", 100)+",,1980-05-21,,out,post,x,self,\n"+
		"10,,Anning,,1980-05-21,,out,post,"+strings.Repeat("x", 201)+",self,\n"+
		"11,,Anning,,1980-05-21,,out,post,x,self,\n"+
		"11,,Canning,,1980-05-21,,out,post,x,self,\n"+
		"12,,Anning,,1980-05-21,,out,post,x, and more,self,\n"+
		"11,,Dunning,,1980-05-21,,out,post,x,self,\n"+
		"13 b,,Anning,,1980-05-21,,out,post,x,self,\n"+
		"13\u200b,,Anning,,1980-05-21,,out,post,x,self,\n")
	want := map[int]string{
		3: "COLUMNS ", 4: "UNKNOWN_WORD choice", 5: "UNKNOWN_WORD channel", 6: "UNKNOWN_WORD channel", 7: "UNKNOWN_WORD requester",
		8: "INVALID_ROW_ID row_id", 9: "TOO_LONG person.family_name", 11: "TOO_LONG evidence",
		12: "ROW_ID_TWICE row_id", 13: "ROW_ID_TWICE row_id", 14: "COLUMNS ", 15: "ROW_ID_TWICE row_id", 16: "INVALID_ROW_ID row_id", 17: "INVALID_ROW_ID row_id",
	}
	got := map[int]string{}
	for _, r := range rows {
		if r.Reason == "" {
			continue
		}
		got[r.Line] = r.Reason + " " + r.Field
		if r.Sent.GetPerson() != nil {
			t.Errorf("line %d: the person is kept", r.Line)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestWhatIsWrittenIsRead: any row comes back as it was, also one that a spreadsheet would take for a formula.
func TestWhatIsWrittenIsRead(t *testing.T) {
	t.Parallel()
	cell := rapid.StringMatching(`['=+@-]{0,3}[a-zé,"';]{0,8}`)
	id := rapid.StringMatching(`['=+@-]{0,3}[a-z,"';]{1,8}`)
	rapid.Check(t, func(r *rapid.T) {
		row := &optoutv1.RegisterRow{
			RowId: id.Draw(r, "id"),
			Person: &optoutv1.ClaimedPerson{NhsNumber: cell.Draw(r, "number"), FamilyName: cell.Draw(r, "family"), GivenNames: cell.Draw(r, "given"),
				BirthDate: "1980-05-21", Postcode: cell.Draw(r, "postcode")[:0]},
			Choice:   rapid.SampledFrom([]optoutv1.Choice{optoutv1.Choice_CHOICE_OUT, optoutv1.Choice_CHOICE_IN}).Draw(r, "choice"),
			Channel:  optoutv1.Channel(rapid.IntRange(1, 4).Draw(r, "channel")),
			Evidence: cell.Draw(r, "evidence"), Requester: optoutv1.Requester(rapid.IntRange(1, 3).Draw(r, "requester")), ReceivedOn: "2018-01-01",
		}
		var text bytes.Buffer
		w, err := register.NewWriter(&text)
		if err != nil {
			r.Fatal(err)
		}
		if err := w.Write(row); err != nil {
			r.Fatal(err)
		}
		if err := w.Flush(); err != nil {
			r.Fatal(err)
		}
		for _, line := range strings.Split(text.String(), "\n") {
			for _, c := range strings.Split(line, ",") {
				if c != "" && strings.ContainsAny(c[:1], "=+-@") {
					r.Fatalf("a spreadsheet takes %q for a formula", c)
				}
			}
		}
		rows, err := register.Read(&text)
		if err != nil || len(rows) != 1 || rows[0].Reason != "" || !proto.Equal(rows[0].Sent, row) {
			r.Fatalf("%v became %v, %v", row, rows, err)
		}
	})
}

// TestWordsAreThoseOfTheContract: each number of the contract has a word, so that no export can fail on a new one
// unnoticed.
func TestWordsAreThoseOfTheContract(t *testing.T) {
	t.Parallel()
	w, err := register.NewWriter(new(bytes.Buffer))
	if err != nil {
		t.Fatal(err)
	}
	for n := range optoutv1.Channel_name {
		for m := range optoutv1.Requester_name {
			for k := range optoutv1.Choice_name {
				row := &optoutv1.RegisterRow{Channel: optoutv1.Channel(n), Requester: optoutv1.Requester(m), Choice: optoutv1.Choice(k)}
				if err := w.Write(row); (err == nil) != (n != 0 && m != 0) {
					t.Errorf("%v: %v", row, err)
				}
			}
		}
	}
}

// many is a register of so many good rows.
func many(n int) string {
	var b strings.Builder
	b.WriteString(header)
	for i := range n {
		fmt.Fprintf(&b, "row-%d,,Anning%d,,1980-05-21,DT1 1XJ,out,post,letter %d,self,2018-03-01\n", i, i, i)
	}
	return b.String()
}
