package witness

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"

	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
	"github.com/dorsetcarerecord/dcr/dcrctl/internal/durable"
)

// bookVersion of the file's format.
const bookVersion = 1

var (
	// ErrNoBook means that there is no memory where one is expected.
	ErrNoBook = errors.New("the witness has no memory here")
	// ErrBookExists means that a new memory was asked for where there is one.
	ErrBookExists = errors.New("the witness has a memory here already")
	// ErrBusy means that another process uses the memory.
	ErrBusy = errors.New("another process uses this memory")
)

// Entry is what is remembered of one log.
type Entry struct {
	// Text of the last checkpoint that we cosigned, without signatures; empty when there is none yet.
	Text string `json:"text,omitempty"`
	// Message is the same with the log's signatures and our cosignature.
	Message string `json:"message,omitempty"`
	// CosignedAt is when, by our clock.
	CosignedAt time.Time `json:"cosigned_at,omitzero"`
	// Refused is the last alarming refusal since then; nil when there was none.
	Refused *Refusal `json:"refused,omitempty"`
	// Fork is the first proof that the log shows two histories. It stays for ever.
	Fork *Refusal `json:"fork,omitempty"`
}

// Refusal is a checkpoint of the log that was not cosigned, and alarming.
type Refusal struct {
	// Ruling as one word.
	Ruling string `json:"ruling"`
	// Size that the log claimed.
	Size int64 `json:"size"`
	// At is when, by our clock.
	At time.Time `json:"at"`
	// Evidence is the file that holds both checkpoints.
	Evidence string `json:"evidence,omitempty"`
}

// Last is the checkpoint that was cosigned last; the zero Checkpoint when there is none.
func (e Entry) Last() (verify.Checkpoint, error) {
	if e.Text == "" {
		return verify.Checkpoint{}, nil
	}
	return verify.ParseCheckpoint(e.Text)
}

// Book is a witness's memory: a file, and its lock for as long as it is open. Its owner takes turns.
type Book struct {
	path string
	lock *os.File
	logs map[string]Entry
}

// page is the file.
type page struct {
	Version int              `json:"version"`
	Logs    map[string]Entry `json:"logs"`
}

// OpenBook reads a memory: ErrNoBook when there is none, ErrBusy when another process uses it, another
// error when it cannot be read to the last letter.
func OpenBook(path string) (*Book, error) {
	return openBook(path, func(b *Book) error {
		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return ErrNoBook
		}
		if err != nil {
			return err
		}
		return b.decode(text)
	})
}

// NewBook makes an empty memory: ErrBookExists when there is one.
func NewBook(path string) (*Book, error) {
	return openBook(path, func(b *Book) error {
		if _, err := os.Lstat(path); err == nil {
			return ErrBookExists
		}
		return b.write()
	})
}

// openBook takes the lock, then does the rest.
func openBook(path string, rest func(*Book) error) (*Book, error) {
	lock, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrNotExist) { // the folder is missing too
		return nil, fmt.Errorf("open the witness's memory: %w", ErrNoBook)
	}
	if err != nil {
		return nil, fmt.Errorf("open the witness's memory: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("open the witness's memory: %w", busy(err)), lock.Close())
	}
	b := &Book{path: path, lock: lock, logs: map[string]Entry{}}
	if err := rest(b); err != nil {
		return nil, errors.Join(fmt.Errorf("open the witness's memory: %w", err), lock.Close())
	}
	return b, nil
}

func busy(err error) error {
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return ErrBusy
	}
	return err
}

func (b *Book) decode(text []byte) error {
	var p page
	if err := json.Unmarshal(text, &p); err != nil || p.Version != bookVersion {
		return errors.New("the file is damaged, or of another release: restore it, never make it anew")
	}
	for origin, e := range p.Logs {
		c, err := e.Last()
		if err != nil || e.Text != "" && c.Origin != origin {
			return fmt.Errorf("what is remembered of %q is damaged: restore the file, never make it anew", origin)
		}
	}
	if p.Logs != nil {
		b.logs = p.Logs
	}
	return nil
}

// Entry is what is remembered of a log.
func (b *Book) Entry(origin string) Entry { return b.logs[origin] }

// Put remembers, and returns when it is on disk. On an error nothing has changed.
func (b *Book) Put(origin string, e Entry) error {
	before, had := b.logs[origin]
	b.logs[origin] = e
	err := b.write()
	if err == nil {
		return nil
	}
	delete(b.logs, origin)
	if had {
		b.logs[origin] = before
	}
	return fmt.Errorf("remember a checkpoint: %w", err)
}

// write replaces the file.
func (b *Book) write() error {
	text, err := json.MarshalIndent(page{Version: bookVersion, Logs: b.logs}, "", "  ")
	if err != nil {
		return err
	}
	return durable.Write(b.path, append(text, '\n'))
}

// Close lets another process have the memory.
func (b *Book) Close() error { return b.lock.Close() }
