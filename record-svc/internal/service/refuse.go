package service

import (
	"errors"
	"time"

	"github.com/dorsetcarerecord/dcr/internal/fault"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/store"
)

// comeBack is told to whoever asks for a record that is not ready yet.
const comeBack = time.Second

// Refusals of the read service. None says anything about a person's record.
func invalidNumber(field string) error {
	return fault.Invalid("INVALID_NHS_NUMBER", field, "Not a valid NHS number.")
}

func sealed() error {
	return fault.Denied("SEALED", "The record is sealed.")
}

func choiceMismatch() error {
	return fault.Precondition("CHOICE_MISMATCH", "The opt-out choice known here has another number than the decision rests on. Decide again.")
}

// unchecked is said in the same words however long the check takes: most take a moment, and one in which a request
// may mean the person takes until a privacy officer has decided.
func unchecked() error {
	return fault.Unavailable("NEW_PERSON_UNCHECKED", "This person is new to the record. Nothing is shown before it is checked whether a request to opt out waits for them. Try again shortly.").After(comeBack)
}

func noPatient() error {
	return fault.NotFound("PATIENT_NOT_FOUND", "Nothing was received about this person.")
}

func noEntry() error {
	return fault.NotFound("ENTRY_NOT_FOUND", "There is no such entry.")
}

func notReady() error {
	return fault.Unavailable("VIEW_NOT_READY", "The record is not ready to be shown under the rules in force. Ask again.")
}

// checkGate turns the gate of a person into the answer to a caller whom it does not let through.
func checkGate(g store.Gate, asked int64, err error) error {
	switch {
	case errors.Is(err, store.ErrNoPerson):
		return noPatient()
	case err != nil:
		return err
	case g.Sealed:
		return sealed()
	case g.Held:
		return unchecked()
	case !g.Open(asked):
		return choiceMismatch()
	}
	return nil
}
