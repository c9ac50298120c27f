package witness

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
	"github.com/dorsetcarerecord/dcr/dcrctl/internal/durable"
)

// Config is what a Witness needs.
type Config struct {
	// Logs to watch: each a log's keys, without witnesses.
	Logs []*verify.Trust
	// Cosigner signs.
	Cosigner *verify.Cosigner
	// Book remembers. It belongs to the Witness, which closes it.
	Book *Book
	// EvidenceDir takes what proves that a log shows two histories.
	EvidenceDir string
	// Log takes one line for each alarm, and one for each checkpoint that is cosigned.
	Log *slog.Logger
	// Metrics to count in.
	Metrics *Metrics
	// Now is the clock.
	Now func() time.Time
}

// Witness watches logs. It is safe for use by several goroutines.
type Witness struct {
	cfg  Config
	logs map[string]*verify.Trust

	mu sync.Mutex // one checkpoint at a time: what is compared is what is replaced
}

// New makes a Witness.
func New(cfg Config) (*Witness, error) {
	if len(cfg.Logs) == 0 || cfg.Cosigner == nil || cfg.Book == nil || cfg.Log == nil || cfg.Metrics == nil || cfg.Now == nil || cfg.EvidenceDir == "" {
		return nil, errors.New("make witness: logs, cosigner, memory, folder of evidence, log, metrics and clock are needed")
	}
	w := &Witness{cfg: cfg, logs: map[string]*verify.Trust{}}
	for _, l := range cfg.Logs {
		if w.logs[l.Origin()] != nil {
			return nil, fmt.Errorf("make witness: the log %q is named twice: give all its keys in one file", l.Origin())
		}
		w.logs[l.Origin()] = l
		w.cfg.Metrics.show(l.Origin(), cfg.Book.Entry(l.Origin()))
	}
	return w, nil
}

// Close lets another process have the memory.
func (w *Witness) Close() error { return w.cfg.Book.Close() }

// Answer to a submission.
type Answer struct {
	// Status of HTTP.
	Status int
	// Ruling, zero when the submission did not come so far.
	Ruling verify.Ruling
	// Body: our cosignature's line, or the size that we know, or why not.
	Body string
	// Size says that Body is a size.
	Size bool
	// Message is the checkpoint with our cosignature, when we cosigned.
	Message string
}

// Last is the checkpoint of a log that was cosigned last, zero when there is none; false when the log is
// not watched.
func (w *Witness) Last(origin string) (verify.Checkpoint, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.logs[origin] == nil {
		return verify.Checkpoint{}, false
	}
	last, err := w.cfg.Book.Entry(origin).Last()
	return last, err == nil
}

// Add answers one submission as C2SP tlog-witness says. It fails closed: what is not on disk is not cosigned.
func (w *Witness) Add(ctx context.Context, body []byte) Answer {
	s, err := verify.ParseSubmission(body)
	if err != nil {
		return w.turnedAway(ctx, "", http.StatusBadRequest, "malformed", err)
	}
	trust := w.logs[verify.OriginOf(s.Checkpoint)]
	if trust == nil {
		return w.turnedAway(ctx, "", http.StatusNotFound, "unknown_log", errors.New("this witness does not watch this log"))
	}
	next, err := trust.Open(s.Checkpoint)
	if errors.Is(err, verify.ErrSignature) {
		return w.turnedAway(ctx, trust.Origin(), http.StatusForbidden, "wrong_signature", err)
	}
	if err != nil {
		return w.turnedAway(ctx, trust.Origin(), http.StatusBadRequest, "malformed", err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.judge(ctx, s, next)
}

// turnedAway answers what nobody's key vouches for. That is no alarm about the log, since anybody can send it.
func (w *Witness) turnedAway(ctx context.Context, origin string, status int, why string, err error) Answer {
	w.cfg.Metrics.count(origin, why)
	w.cfg.Log.WarnContext(ctx, "turned away", "log", origin, "why", why)
	return Answer{Status: status, Body: err.Error() + "\n"}
}

// judge decides about a checkpoint that the log signed, and remembers the outcome.
func (w *Witness) judge(ctx context.Context, s verify.Submission, next *verify.Signed) Answer {
	entry := w.cfg.Book.Entry(next.Origin)
	last, err := entry.Last()
	if err != nil {
		return w.failed(ctx, next.Origin, err)
	}
	ruling, status := verify.Judge(last, next.Checkpoint, s)
	w.cfg.Metrics.count(next.Origin, ruling.String())
	if ruling == verify.Accept {
		return w.cosign(ctx, next, entry)
	}
	if ruling.Alarming() {
		if err := w.alarm(ctx, ruling, last, next, entry); err != nil {
			return w.failed(ctx, next.Origin, err)
		}
	}
	answer := Answer{Status: status, Ruling: ruling, Body: "refused: " + ruling.String() + "\n"}
	if status == http.StatusConflict {
		answer.Body, answer.Size = fmt.Sprintf("%d\n", last.Size), true
	}
	return answer
}

// cosign signs, remembers, and only then answers.
func (w *Witness) cosign(ctx context.Context, next *verify.Signed, entry Entry) Answer {
	at := w.cfg.Now().UTC()
	line, err := w.cfg.Cosigner.Cosign(next.Text, at)
	if err != nil {
		return w.failed(ctx, next.Origin, err)
	}
	// The message keeps the log's signatures alone: a stranger's line must not be remembered as ours.
	entry = Entry{Text: next.Text, Message: w.signaturesOf(next) + line, CosignedAt: at, Fork: entry.Fork}
	if err := w.cfg.Book.Put(next.Origin, entry); err != nil {
		return w.failed(ctx, next.Origin, err)
	}
	w.cfg.Metrics.show(next.Origin, entry)
	w.cfg.Log.InfoContext(ctx, "cosigned", "log", next.Origin, "size", next.Size)
	return Answer{Status: http.StatusOK, Ruling: verify.Accept, Body: line, Message: entry.Message}
}

// signaturesOf is the checkpoint with the log's signatures and no others.
func (w *Witness) signaturesOf(next *verify.Signed) string {
	return next.Text + "\n" + strings.Join(next.Lines, "")
}

// alarm says loudly, and for good, that a log misbehaves or was set back.
func (w *Witness) alarm(ctx context.Context, ruling verify.Ruling, last verify.Checkpoint, next *verify.Signed, entry Entry) error {
	refusal := &Refusal{Ruling: ruling.String(), Size: next.Size, At: w.cfg.Now().UTC()}
	if ruling == verify.Fork || ruling == verify.Inconsistent {
		file, err := w.keepEvidence(ruling, next, entry)
		if err != nil {
			return err
		}
		refusal.Evidence = file
	}
	w.cfg.Log.ErrorContext(ctx, "ALARM: the log was not cosigned; its history may have been rewritten",
		"log", next.Origin, "ruling", ruling.String(), "size", next.Size, "known_size", last.Size, "evidence", refusal.Evidence)
	if r := entry.Refused; r != nil && r.Ruling == refusal.Ruling && r.Size == refusal.Size {
		return nil // remembered already: whoever repeats a submission must not keep the disk busy
	}
	entry.Refused = refusal
	if ruling == verify.Fork && entry.Fork == nil {
		entry.Fork = refusal
	}
	if err := w.cfg.Book.Put(next.Origin, entry); err != nil {
		return err
	}
	w.cfg.Metrics.show(next.Origin, entry)
	return nil
}

// keepEvidence writes both checkpoints into a file of their own, once. Only the holder of the log's key can
// make it write more.
func (w *Witness) keepEvidence(ruling verify.Ruling, next *verify.Signed, entry Entry) (string, error) {
	if err := os.MkdirAll(w.cfg.EvidenceDir, 0o700); err != nil {
		return "", fmt.Errorf("keep evidence: %w", err)
	}
	shown := w.signaturesOf(next)
	sum := sha256.Sum256([]byte(shown))
	file := filepath.Join(w.cfg.EvidenceDir, fmt.Sprintf("%s-%d-%s.txt", ruling, next.Size, hex.EncodeToString(sum[:8])))
	what := "Two checkpoints of one log, of the same size, with different roots: it shows two histories."
	if ruling == verify.Inconsistent {
		what = "Two checkpoints of one log. It could not prove that the second only adds to the first."
	}
	text := what + " Each is signed by the log.\nThe first was cosigned here; the second came later and was refused.\n\n" +
		entry.Message + "\n---\n\n" + shown
	if err := durable.Write(file, []byte(text)); err != nil {
		return "", fmt.Errorf("keep evidence: %w", err)
	}
	return file, nil
}

// failed answers when we cannot do our part. The cause is for our own operator.
func (w *Witness) failed(ctx context.Context, origin string, err error) Answer {
	w.cfg.Metrics.count(origin, "failed")
	w.cfg.Log.ErrorContext(ctx, "the witness cannot answer", "log", origin, "error", err)
	return Answer{Status: http.StatusInternalServerError, Body: "the witness cannot answer now\n"}
}
