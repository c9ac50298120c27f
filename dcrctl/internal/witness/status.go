package witness

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Status is what the witness has to say of its logs, for people: the first line is OK or ALARM. It holds
// nothing that is secret.
func (w *Witness) Status() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var b strings.Builder
	verdict := "OK: no log that is watched here has been caught."
	for _, origin := range slices.Sorted(maps.Keys(w.logs)) {
		e := w.cfg.Book.Entry(origin)
		if e.Refused != nil || e.Fork != nil {
			verdict = "ALARM: a log's history may have been rewritten. See below."
		}
		describe(&b, origin, e)
	}
	return verdict + "\n\nWitness: " + w.cfg.Cosigner.Name() + "\nKey: " + w.cfg.Cosigner.PublicKey() + "\n" + b.String()
}

func describe(b *strings.Builder, origin string, e Entry) {
	fmt.Fprintf(b, "\nLog: %s\n", origin)
	if e.Fork != nil {
		fmt.Fprintf(b, "FORK: on %s the log signed another root for %d leaves than the one that we had cosigned. Evidence: %s\n",
			e.Fork.At.Format(time.RFC3339), e.Fork.Size, e.Fork.Evidence)
	}
	if e.Refused != nil {
		fmt.Fprintf(b, "REFUSED: on %s (%s, %d leaves), and nothing was cosigned since.\n", e.Refused.At.Format(time.RFC3339), e.Refused.Ruling, e.Refused.Size)
	}
	if e.Text == "" {
		fmt.Fprintln(b, "Nothing cosigned yet.")
		return
	}
	fmt.Fprintf(b, "Last cosigned on %s:\n\n%s", e.CosignedAt.Format(time.RFC3339), e.Message)
}
