package register

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	validate "buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
)

const (
	// maxFile bounds what is read: a register of the whole county is a tenth of it.
	maxFile = 256 << 20
	// mark is how some programs begin a text file.
	mark = "\ufeff"
)

// Reasons of rows that are not sent, beside the gateway's own.
const (
	ReasonColumns = "COLUMNS"
	ReasonWord    = "UNKNOWN_WORD"
	ReasonLong    = "TOO_LONG"
	ReasonID      = "INVALID_ROW_ID"
	ReasonTwice   = "ROW_ID_TWICE"
)

// Row is one row of a file.
type Row struct {
	// Line of the file where it begins, the header being 1.
	Line int
	// Sent is the row as the contract has it; it has its id alone when Reason says why it cannot be sent.
	Sent *optoutv1.RegisterRow
	// Reason and Field of a row that cannot be sent; empty when it can.
	Reason, Field string
}

// Read reads a file whole. The error means that the file as a whole cannot be believed, and then nothing of it is
// sent: it is not UTF-8, it is cut off, its columns are not those of a register. What is wrong with one row is told
// in the row. Errors tell lines and columns, and nothing of what is in them.
func Read(from io.Reader) ([]Row, error) {
	text, err := io.ReadAll(io.LimitReader(from, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read the register: %w", err)
	}
	if err := believable(text); err != nil {
		return nil, err
	}
	lines := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte(mark))))
	lines.FieldsPerRecord = -1 // a row of another length is that row's fault, told with its line
	header, err := lines.Read()
	if err != nil {
		return nil, torn(err)
	}
	if err := checkHeader(header); err != nil {
		return nil, err
	}
	var rows []Row
	for {
		cells, err := lines.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, torn(err)
		}
		line, _ := lines.FieldPos(0)
		rows = append(rows, row(line, header, cells))
	}
	if len(rows) == 0 {
		return nil, errors.New("the register has no rows")
	}
	markTwice(rows)
	return rows, nil
}

func believable(text []byte) error {
	switch {
	case len(text) > maxFile:
		return fmt.Errorf("the register is larger than %d MiB: split it", maxFile>>20)
	case len(text) == 0:
		return errors.New("the register is empty")
	case !utf8.Valid(text):
		return errors.New(`the register is not in UTF-8: save it as "CSV UTF-8"`)
	case text[len(text)-1] != '\n':
		return errors.New("the register is cut off: its last row does not end")
	}
	return nil
}

// torn tells where a file stops being CSV, without its words.
func torn(err error) error {
	var at *csv.ParseError
	if errors.As(err, &at) {
		return fmt.Errorf("the register is no CSV from line %d, column %d on: %w", at.StartLine, at.Column, at.Err)
	}
	return errors.New("the register has no header")
}

func checkHeader(header []string) error {
	if len(header) == 1 && strings.ContainsAny(header[0], ";\t") {
		return errors.New("the columns of the register must be parted by commas")
	}
	lacking, unknown := missing(header)
	if len(lacking)+len(unknown) > 0 {
		return fmt.Errorf("the first line must name the columns %s: %d missing (%s), %d unknown or there twice",
			strings.Join(columns(), ","), len(lacking), strings.Join(lacking, ","), len(unknown))
	}
	return nil
}

// row reads cells by their header.
func row(line int, header, cells []string) Row {
	r := Row{Line: line, Sent: &optoutv1.RegisterRow{}}
	if len(cells) != len(header) {
		r.Reason = ReasonColumns
		return r
	}
	cell := map[string]string{}
	for i, name := range header {
		cell[name] = strings.TrimSpace(unescape(cells[i]))
	}
	whole := &optoutv1.RegisterRow{
		RowId: cell["row_id"],
		Person: &optoutv1.ClaimedPerson{
			NhsNumber: cell["nhs_number"], FamilyName: cell["family_name"], GivenNames: cell["given_names"],
			BirthDate: cell["birth_date"], Postcode: cell["postcode"],
		},
		Evidence: cell["evidence"], ReceivedOn: cell["received_on"],
	}
	r.Sent.RowId = whole.GetRowId()
	var known bool
	if whole.Choice, known = choices()[strings.ToLower(cell["choice"])]; !known {
		return r.faulty(ReasonWord, "choice")
	}
	if whole.Channel, known = channels()[strings.ToLower(cell["channel"])]; !known {
		return r.faulty(ReasonWord, "channel")
	}
	if whole.Requester, known = requesters()[strings.ToLower(cell["requester"])]; !known {
		return r.faulty(ReasonWord, "requester")
	}
	if !plainID(whole.GetRowId()) {
		return r.faulty(ReasonID, "row_id")
	}
	if field := tooLong(whole.ProtoReflect(), ""); field != "" {
		return r.faulty(ReasonLong, field)
	}
	r.Sent = whole
	return r
}

// plainID tells whether an id is there and has nothing but letters, digits and signs that everybody can see. The
// gateway refuses a call with another, and with it rows that are good.
func plainID(id string) bool {
	return id != "" && !strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' })
}

func (r Row) faulty(reason, field string) Row {
	r.Reason, r.Field = reason, field
	return r
}

// tooLong gives the first field that is longer than the contract lets it be. Such a row would have the whole call
// refused, and with it rows that are good.
func tooLong(m protoreflect.Message, path string) string {
	found := ""
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		name := path + string(f.Name())
		switch {
		case f.Kind() == protoreflect.MessageKind:
			found = tooLong(v.Message(), name+".")
		case f.Kind() == protoreflect.StringKind:
			rules, _ := proto.GetExtension(f.Options(), validate.E_Field).(*validate.FieldRules)
			limit := rules.GetString().GetMaxLen()
			if limit > 0 && uint64(utf8.RuneCountInString(v.String())) > limit {
				found = name
			}
		}
		return found == ""
	})
	return found
}

// markTwice finds ids that several rows have: which of them is meant, nobody can tell.
func markTwice(rows []Row) {
	first := map[string]int{}
	for i, r := range rows {
		id := r.Sent.GetRowId()
		if id == "" {
			continue
		}
		if at, seen := first[id]; seen {
			rows[at], rows[i] = rows[at].twice(), r.twice()
			continue
		}
		first[id] = i
	}
}

func (r Row) twice() Row {
	return Row{Line: r.Line, Sent: &optoutv1.RegisterRow{RowId: r.Sent.GetRowId()}, Reason: ReasonTwice, Field: "row_id"}
}
