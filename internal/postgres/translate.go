package postgres

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/lib/pq"

	"github.com/dorsetcarerecord/dcr/internal/fault"
)

// Reasons of the faults that Translate makes, for callers that branch on them. A store that knows
// better what a violated constraint means (see Violates) answers with a reason of its own.
const (
	ReasonExists      = "ALREADY_EXISTS"       // unique or exclusion constraint: Duplicate
	ReasonRefused     = "VALUE_REFUSED"        // check, not-null or data type: Invalid
	ReasonMissing     = "REFERENCE_MISSING"    // foreign key: Precondition
	ReasonConcurrent  = "CONCURRENT_CHANGE"    // could not be serialised, deadlock, lock timeout: Conflict
	ReasonTimeout     = "DATABASE_TIMEOUT"     // statement timeout: Unavailable
	ReasonUnreachable = "DATABASE_UNAVAILABLE" // connection, shutdown, out of resources, read only: Unavailable
)

// ServerError is a database error as a log may show it: code and names of the schema, never the driver's
// message, which can quote values.
type ServerError struct {
	Code       string // SQLSTATE
	Name       string // of the code, such as unique_violation
	Table      string
	Column     string
	Constraint string

	inner *pq.Error
}

// Error implements error.
func (f *ServerError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "database: %s %s", f.Code, f.Name)
	for _, part := range [][2]string{{" table ", f.Table}, {" column ", f.Column}, {" constraint ", f.Constraint}} {
		if part[1] != "" {
			b.WriteString(part[0] + part[1])
		}
	}
	return b.String()
}

// SQLState is the error's SQLSTATE.
func (f *ServerError) SQLState() string { return f.Code }

// As lets errors.As find the driver's error, while a log that walks Unwrap does not come upon its text.
func (f *ServerError) As(target any) bool {
	if t, ok := target.(**pq.Error); ok {
		*t = f.inner
		return true
	}
	return false
}

// Violates tells whether err comes from the constraint (or unique index) of that name.
func Violates(err error, constraint string) bool {
	var pqErr *pq.Error
	return errors.As(err, &pqErr) && pqErr.Constraint == constraint
}

// Translate turns a driver's error into a fault that a service may answer with. Faults pass through, and
// so do sql.ErrNoRows, whose meaning the store knows, and the errors of contexts. Nothing of the driver's
// text is in the fault, and nothing of it in the cause.
func Translate(err error) error {
	var own *fault.Error
	var pqErr *pq.Error
	var network net.Error
	switch {
	case err == nil, errors.As(err, &own), errors.Is(err, sql.ErrNoRows),
		errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.As(err, &pqErr):
		return translateServer(err, pqErr)
	case errors.Is(err, errLost), errors.Is(err, driver.ErrBadConn), errors.Is(err, sql.ErrConnDone),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &network):
		return unreachable(err)
	default:
		return err
	}
}

// translateServer is Translate for what the server said.
func translateServer(err error, pqErr *pq.Error) error {
	cause := rewrap(err, pqErr, &ServerError{
		Code: string(pqErr.Code), Name: pqErr.Code.Name(), Table: pqErr.Table,
		Column: pqErr.Column, Constraint: pqErr.Constraint, inner: pqErr,
	})
	switch pqErr.Code {
	case "23505", "23P01":
		return fault.Duplicate(ReasonExists, "This exists already.").Because(cause)
	case "23503":
		return fault.Precondition(ReasonMissing, "Something that this refers to does not exist.").Because(cause)
	case "23514", "23502":
		return refused(cause)
	case "40001", "40P01", "55P03":
		return fault.Conflict(ReasonConcurrent, "Somebody changed this at the same moment. Try again.").Because(cause)
	case "57014":
		return fault.Unavailable(ReasonTimeout, "The database took too long. Try again.").Because(cause)
	case "25006": // read only: we are connected to a server that was demoted
		return unreachable(cause)
	}
	switch pqErr.Code.Class() {
	case "22":
		return refused(cause)
	case "08", "53", "57", "58":
		return unreachable(cause)
	}
	// Insufficient privilege (42501) is here too: it is our fault, never the caller's, and as Denied it
	// would read like an access decision.
	return fault.Internal(cause)
}

// rewrap puts the words that our code wrapped around the driver's error ("load choice: …") around the
// failure that replaces it.
func rewrap(err error, inner *pq.Error, failure *ServerError) error {
	words, ok := strings.CutSuffix(err.Error(), ": "+inner.Error())
	if !ok {
		return failure
	}
	return fmt.Errorf("%s: %w", words, failure)
}

func refused(cause error) error {
	return (&fault.Error{Kind: fault.KindInvalid, Reason: ReasonRefused, Text: "A value is not acceptable."}).Because(cause)
}

func unreachable(cause error) error {
	return fault.Unavailable(ReasonUnreachable, "The database cannot be reached. Try again.").Because(cause)
}
