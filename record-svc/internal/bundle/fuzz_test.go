package bundle

import (
	"bytes"
	"errors"
	"testing"

	"github.com/dorsetcarerecord/dcr/record-svc/internal/section"
)

// FuzzDecode looks for bodies that break the decoder, or that it takes although
// it may not: a bundle that is taken is about one person, holds each resource
// once and byte for byte, and says the same when it is read again.
func FuzzDecode(f *testing.F) {
	a := put(patient("p", numberA))
	for _, seed := range []string{
		transaction(a),
		transaction(a, put(condition("c", ref("Patient/p"))), send("DELETE", "Procedure/d", "", "")),
		transaction(send("POST", "Patient", "urn:uuid:p", patient("", numberA)), send("POST", "Condition", "urn:uuid:c", condition("", ref("urn:uuid:p")))),
		transaction(put(condition("c", byNHSNumber(numberA)))),
		transaction(put(`{"resourceType":"Observation","id":"o","subject":` + byNHSNumber(numberA) + `,"effectiveDateTime":"2020","valueQuantity":{"value":"1.50"},"contained":[{"id":"x"}],"fhir_comments":["y"]}`)),
		`{"resourceType":"Bundle","type":"transaction","entry":[{"request":{"method":"PUT"`,
		`[[[[[[`, `"`, `{"a":"\`, ``,
	} {
		f.Add([]byte(seed), false)
	}
	f.Fuzz(func(t *testing.T, body []byte, ignore bool) {
		options := Options{Limits: Limits{Bytes: 1 << 16, Entries: 20, Depth: 30}, IgnoreUnsupported: ignore}
		b, err := Decode(bytes.Clone(body), options)
		if err != nil {
			checkRefusal(t, err)
			return
		}
		checkTaken(t, b, body)
		again, err := Decode(body, options)
		if err != nil || len(again.Changes) != len(b.Changes) || again.NHSNumber != b.NHSNumber {
			t.Fatalf("read again: %v", err)
		}
		settled, err := b.Settle(nil)
		if err != nil {
			checkRefusal(t, err)
			return
		}
		if settled.NHSNumber == "" {
			t.Fatal("taken without a person")
		}
	})
}

func checkRefusal(t *testing.T, err error) {
	t.Helper()
	var refusal *Refusal
	if !errors.As(err, &refusal) || refusal.Reason == "" || refusal.Text == "" {
		t.Fatalf("refused without a reason: %v", err)
	}
}

func checkTaken(t *testing.T, b *Bundle, body []byte) {
	t.Helper()
	keys := make(map[Key]bool)
	for i := range b.Changes {
		c := &b.Changes[i]
		if keys[c.Key] || c.Key.ID == "" || section.KeepingOf(c.Key.Type) == section.Unsupported {
			t.Fatalf("key %v", c.Key)
		}
		keys[c.Key] = true
		if (c.Verb == Delete) != (c.Raw == nil) || !bytes.Contains(body, c.Raw) {
			t.Fatalf("%s of %v does not keep its bytes", c.Verb, c.Key)
		}
		if c.Raw == nil || c.Supporting {
			continue
		}
		// Whatever a sound resource says, its entry is made or refused by name.
		entry, err := section.Compute(c.Resource, c.Raw, section.Other, b.Find)
		if err == nil && (entry.Display == "" || entry.Section == "") {
			t.Fatalf("an entry without a name: %+v", entry)
		}
		if err != nil {
			checkRefusal(t, Unreadable(err, c.Index))
		}
	}
}
