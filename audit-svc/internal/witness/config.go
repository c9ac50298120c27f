// Package witness sends signed checkpoints to witnesses (C2SP tlog-witness) and keeps their cosignatures. A
// witness that is away or refuses holds up nothing: appends, sequencing and the other witnesses go on. It is
// loud instead, since what is claimed against tampering begins when a witness has cosigned.
package witness

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Config says who the witnesses are.
type Config struct {
	Witnesses []string      `name:"audit-witnesses" env:"DCR_AUDIT_WITNESSES" help:"Witnesses to whom checkpoints are sent, each as its public key, an equals sign and its URL: name+id+key=https://witness.example."`
	CAFile    string        `name:"audit-witness-ca-file" env:"DCR_AUDIT_WITNESS_CA_FILE" help:"PEM authorities of the witnesses' certificates; the system's when empty. A cosignature is believed for its key alone."`
	Every     time.Duration `name:"witness-every" env:"DCR_AUDIT_WITNESS_EVERY" default:"1s" help:"Pause between two looks for a checkpoint that a witness has not cosigned."`
}

const defaultEvery = time.Second

// Peer is one witness.
type Peer struct {
	// Verifier is its public key: name+id+key.
	Verifier string
	// Signer is name and id of the key, as they stand in a cosignature.
	Signer string
	// URL above add-checkpoint.
	URL string
}

var (
	errEntry = errors.New("DCR_AUDIT_WITNESSES: each must be a key, an equals sign and a URL with http or https")
	errTwice = errors.New("DCR_AUDIT_WITNESSES: a key stands twice")
	errNoKey = errors.New("DCR_AUDIT_WITNESSES: this is no key of a witness, name+id+key")
)

// Peers reads and checks the settings. An error names the entry by its place, counted from one.
func (c Config) Peers() ([]Peer, error) {
	var peers []Peer
	seen := map[string]bool{}
	for i, entry := range c.Witnesses {
		p, err := peerOf(strings.TrimSpace(entry))
		if err != nil {
			return nil, fmt.Errorf("witness %d: %w", i+1, err)
		}
		if seen[p.Signer] {
			return nil, fmt.Errorf("witness %d: %w", i+1, errTwice)
		}
		seen[p.Signer] = true
		peers = append(peers, p)
	}
	return peers, nil
}

// peerOf reads key=url. The base64 of a key of 33 bytes ends without an equals sign.
func peerOf(entry string) (Peer, error) {
	key, address, ok := strings.Cut(entry, "=")
	if !ok {
		return Peer{}, errEntry
	}
	at, err := url.Parse(address)
	if err != nil || (at.Scheme != "https" && at.Scheme != "http") || at.Host == "" || at.RawQuery != "" || at.Fragment != "" || at.User != nil {
		return Peer{}, errEntry
	}
	parts := strings.SplitN(key, "+", 3)
	if len(parts) != 3 {
		return Peer{}, errNoKey
	}
	return Peer{Verifier: key, Signer: parts[0] + "+" + parts[1], URL: strings.TrimSuffix(address, "/")}, nil
}
