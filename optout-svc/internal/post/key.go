package post

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/google/uuid"
)

// uuidLength is that of a UUID as text.
const uuidLength = 36

// errKey says that a key file holds no key. It does not quote it.
var errKey = errors.New("it holds no API key: name, service id and secret joined by hyphens")

// keyFile is an API key of Notify in a file. It is read for each call, so that a key changes without a
// restart, and lives nowhere else.
type keyFile struct {
	path string
	now  func() time.Time
}

// token is a signed claim to be the service, made now: Notify believes it for 30 seconds.
func (k keyFile) token() (string, error) {
	text, err := os.ReadFile(k.path)
	if err != nil {
		return "", fmt.Errorf("read key: %w", err)
	}
	service, secret, err := parseKey(strings.TrimSpace(string(text)))
	if err != nil {
		return "", err
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: []byte(secret)}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	claims := jwt.Claims{Issuer: service, IssuedAt: jwt.NewNumericDate(k.now())}
	token, err := jwt.Signed(signer).Claims(claims).Serialize() //nolint:misspell // the library spells it so
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	return token, nil
}

// parseKey takes a key apart: the service's id and the secret stand at its end, and are UUIDs; the name
// before them may hold hyphens.
func parseKey(key string) (service, secret string, err error) {
	if len(key) < 2*uuidLength+2 {
		return "", "", errKey
	}
	name, rest := key[:len(key)-2*uuidLength-2], key[len(key)-2*uuidLength-2:]
	service, secret = rest[1:1+uuidLength], rest[2+uuidLength:]
	if name == "" || rest[0] != '-' || rest[1+uuidLength] != '-' || uuid.Validate(service) != nil || uuid.Validate(secret) != nil {
		return "", "", errKey
	}
	return service, secret, nil
}
