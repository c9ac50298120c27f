package authn_test

import (
	"sync"
	"testing"
	"time"

	"github.com/dorsetcarerecord/dcr/gateway/internal/testissuer"
)

// A token that was good a moment ago is checked against the clock each time, in both directions.
func TestRememberedTokenKeepsToItsTime(t *testing.T) {
	i := testissuer.New(t)
	start := time.Now().Truncate(time.Second)
	now := start
	i.Now = func() time.Time { return now }
	v := i.Verifier()
	token := i.Signed(i.StaffClaims(testissuer.Set{"exp": start.Add(10 * time.Minute).Unix(), "nbf": start.Unix(), "iat": start.Unix()}))
	for _, c := range []struct {
		at    time.Duration
		check string // empty when it is good
	}{
		{0, ""}, {0, ""}, {10*time.Minute + 29*time.Second, ""}, {10*time.Minute + 30*time.Second, "expiry"},
		{time.Minute, ""}, {-30 * time.Second, ""}, {-31 * time.Second, "not yet valid"}, {time.Minute, ""},
	} {
		now = start.Add(c.at)
		caller, err := v.Verify(t.Context(), token)
		switch {
		case c.check != "":
			refused(t, caller, err, c.check)
		case err != nil || caller.Subject == "":
			t.Errorf("after %v: %+v, %v", c.at, caller, err)
		}
	}
}

// A key that is replaced under the same id no longer stands behind tokens of the one before.
func TestRememberedTokenOfAKeyReplacedUnderItsID(t *testing.T) {
	i := testissuer.New(t)
	clock := time.Now()
	i.Now = func() time.Time { return clock }
	v := i.Verifier()
	old := i.Signed(i.StaffClaims(nil))
	if _, err := v.Verify(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	i.Rotate(i.Keys[0].KeyID)
	i.With(func() { i.Keys = i.Keys[:1] })
	clock = clock.Add(2 * time.Hour) // the keys are too old and are read again
	fresh := i.Signed(i.StaffClaims(nil))
	if _, err := v.Verify(t.Context(), fresh); err != nil {
		t.Fatal(err)
	}
	clock = clock.Add(-2 * time.Hour) // the old token is in time again
	caller, err := v.Verify(t.Context(), old)
	refused(t, caller, err, "signature or audience")
}

// Many callers at once share what is remembered.
func TestRememberedTokensSideBySide(t *testing.T) {
	i := testissuer.New(t)
	v := i.Verifier()
	var all sync.WaitGroup
	for n := range 4 {
		subject := string(rune('a' + n))
		token := i.Signed(i.StaffClaims(testissuer.Set{"sub": subject}))
		for range 4 {
			all.Go(func() {
				for range 50 {
					if who, err := v.Verify(t.Context(), token); err != nil || who.Subject != subject {
						t.Errorf("caller %q: %+v, %v", subject, who, err)
					}
				}
			})
		}
	}
	all.Wait()
}

// BenchmarkVerify is a member of staff's second call and later ones.
func BenchmarkVerify(b *testing.B) {
	i := testissuer.New(b)
	v := i.Verifier()
	token := i.Signed(i.StaffClaims(nil))
	for b.Loop() {
		if _, err := v.Verify(b.Context(), token); err != nil {
			b.Fatal(err)
		}
	}
}
