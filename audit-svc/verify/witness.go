package verify

import "errors"

// Answers of a witness, as statuses of HTTP.
const (
	statusOK            = 200
	statusBadRequest    = 400
	statusConflict      = 409
	statusUnprocessable = 422
)

// Ruling is what a witness decides about a checkpoint that the log signed.
type Ruling uint8

const (
	// Accept cosigns: the log only grew, or stands still.
	Accept Ruling = iota + 1
	// OutOfStep does not cosign, and blames nobody: the log does not know which checkpoint we saw last, and
	// is told.
	OutOfStep
	// Malformed does not cosign: the submission contradicts itself.
	Malformed
	// Rollback does not cosign: the checkpoint is smaller than one that we cosigned. It may be a late
	// message, or a replayed one; if it stays so, the log was set back.
	Rollback
	// Inconsistent does not cosign: the log's proof does not show that it only grew. A log that cannot do
	// better has rewritten what we saw.
	Inconsistent
	// Fork does not cosign, and is proven: the log signed two roots for one size. Both checkpoints together
	// convince anybody.
	Fork
)

// String is the ruling as one word, for logs and metrics.
func (r Ruling) String() string {
	switch r {
	case Accept:
		return "accept"
	case OutOfStep:
		return "out_of_step"
	case Malformed:
		return "malformed"
	case Rollback:
		return "rollback"
	case Inconsistent:
		return "inconsistent"
	case Fork:
		return "fork"
	default:
		return "none"
	}
}

// Alarming tells whether somebody should look: the log may have been tampered with.
func (r Ruling) Alarming() bool { return r == Rollback || r == Inconsistent || r == Fork }

// Judge decides whether a witness that cosigned last (the zero Checkpoint, if none) cosigns next, which the
// log signed and submitted with s. The second result is the status of HTTP that C2SP tlog-witness wants;
// with 409 goes the size of last.
func Judge(last, next Checkpoint, s Submission) (Ruling, int) {
	r := judge(last, next, s)
	switch {
	case r == Accept:
		return r, statusOK
	case s.Old > next.Size:
		return r, statusBadRequest
	case s.Old != last.Size || r == Fork:
		return r, statusConflict
	default:
		return r, statusUnprocessable
	}
}

func judge(last, next Checkpoint, s Submission) Ruling {
	switch {
	case last.Size > 0 && next.Size < last.Size:
		return Rollback
	case last.Size > 0 && next.Size == last.Size && next.Root != last.Root:
		return Fork
	case s.Old > next.Size:
		return Malformed
	case s.Old != last.Size:
		return OutOfStep
	}
	older := last
	if last.Size == 0 {
		// Having seen nothing is having seen the empty tree.
		older = Checkpoint{Origin: next.Origin, Root: emptyRoot()}
	}
	err := CheckConsistency(older, next, s.Proof)
	switch {
	case err == nil:
		return Accept
	case errors.Is(err, ErrFork):
		return Fork
	default:
		return Inconsistent
	}
}
