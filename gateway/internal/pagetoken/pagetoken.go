// Package pagetoken makes the tokens by which a caller asks for the next page.
// A token is sealed with AES-256-GCM: it cannot be read or altered, and it opens
// only for the call that it was made for. One of another caller, role, method,
// person or filter is as invalid as one that was made up.
package pagetoken

import (
	"crypto/cipher"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/dorsetcarerecord/dcr/internal/fault"
)

// ReasonInvalid is the reason of every refused token, whatever is wrong with it.
const ReasonInvalid = "INVALID_PAGE_TOKEN"

const (
	// life of a token: long enough for a person reading a list, short enough
	// that a copied one is soon of no use.
	life = time.Hour
	// format is the first byte under the seal.
	format = 1
	header = 1 + 8
	// maxToken is what the contract allows in a page_token field.
	maxToken = 1024
)

// Binding is everything that a token is for. Two calls that differ in any of it
// have no token in common.
type Binding struct {
	// Method is the full gRPC method.
	Method string
	// Issuer and Subject are the caller's, ClientID that of a partner's system.
	Issuer, Subject, ClientID string
	// RoleCode and ODSCode are those in which the session acts.
	RoleCode, ODSCode string
	// NHSNumber of the person that the call is about; empty for nobody.
	NHSNumber string
	// Filter is the hash of the request's filters: see Filter.
	Filter [sha256.Size]byte
}

// Book seals and opens tokens.
type Book struct {
	// keys: the first seals, all of them open.
	keys []cipher.AEAD
	now  func() time.Time
}

// Seal makes the token for the page after cursor. It is empty for an empty
// cursor: there is no next page.
func (b *Book) Seal(to Binding, cursor string) string {
	if cursor == "" {
		return ""
	}
	plain := make([]byte, header, header+len(cursor))
	plain[0] = format
	binary.BigEndian.PutUint64(plain[1:], uint64(b.now().Add(life).Unix()))
	plain = append(plain, cursor...)
	return base64.RawURLEncoding.EncodeToString(b.keys[0].Seal(nil, nil, plain, to.bytes()))
}

// Open reads the cursor out of a token of the same binding. An empty token
// is the first page, an empty cursor. Errors: INVALID_PAGE_TOKEN.
func (b *Book) Open(to Binding, token string) (string, error) {
	if token == "" {
		return "", nil
	}
	plain, ok := b.open(to, token)
	if !ok || len(plain) <= header || plain[0] != format {
		return "", invalid()
	}
	expiry := binary.BigEndian.Uint64(plain[1:header])
	if now := b.now().Unix(); now < 0 || uint64(now) >= expiry {
		return "", invalid()
	}
	return string(plain[header:]), nil
}

func (b *Book) open(to Binding, token string) ([]byte, bool) {
	if len(token) > maxToken {
		return nil, false
	}
	// Strict: otherwise the unused bits of the last character could be changed,
	// and one token would have several spellings.
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil {
		return nil, false
	}
	bound := to.bytes()
	for _, key := range b.keys {
		if plain, err := key.Open(nil, nil, sealed, bound); err == nil {
			return plain, true
		}
	}
	return nil, false
}

func invalid() error {
	return fault.Invalid(ReasonInvalid, "page_token",
		"must be the token of the page before, of the same caller, role and filters, and at most an hour old")
}

// bytes are unambiguous: each part is led by its length.
func (to Binding) bytes() []byte {
	var out []byte
	for _, part := range []string{
		to.Method, to.Issuer, to.Subject, to.ClientID, to.RoleCode, to.ODSCode, to.NHSNumber, string(to.Filter[:]),
	} {
		out = binary.BigEndian.AppendUint32(out, uint32(len(part)))
		out = append(out, part...)
	}
	return out
}

// Filter is the hash of all fields of a list request but page_token and
// page_size (a caller may change the size between pages) and those in omit, which
// stand in the binding in another form.
func Filter(req proto.Message, omit ...protoreflect.Name) [sha256.Size]byte {
	bare := proto.Clone(req).ProtoReflect()
	for _, name := range append([]protoreflect.Name{"page_token", "page_size"}, omit...) {
		if field := bare.Descriptor().Fields().ByName(name); field != nil {
			bare.Clear(field)
		}
	}
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(bare.Interface())
	if err != nil {
		// Only text that is not UTF-8 fails here, and such a request was refused
		// before. A hash that nothing else has makes the token fit no other call.
		raw = []byte("unmarshalable " + string(bare.Descriptor().FullName()))
	}
	return sha256.Sum256(raw)
}
