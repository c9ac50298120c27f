package outbox

import "fmt"

// RefusalError is a handler's verdict that a message will never be accepted: trying again is of no use. The
// message is parked, loudly; nothing deletes it.
type RefusalError struct {
	// Reason is machine-readable and not personal; it is kept with the message, logged and counted.
	Reason string
	// Hold makes later messages of the same key wait until an operator has decided about this one. Set it
	// when they would do harm without it.
	Hold bool

	cause error
}

// Refuse makes a RefusalError after which later messages of the key go on.
func Refuse(reason string, cause error) error { return &RefusalError{Reason: reason, cause: cause} }

// RefuseAndHold makes a RefusalError after which later messages of the key wait.
func RefuseAndHold(reason string, cause error) error {
	return &RefusalError{Reason: reason, Hold: true, cause: cause}
}

// Error implements error.
func (r *RefusalError) Error() string {
	return fmt.Sprintf("message refused: %s: %v", r.Reason, r.cause)
}

// Unwrap gives the cause.
func (r *RefusalError) Unwrap() error { return r.cause }
