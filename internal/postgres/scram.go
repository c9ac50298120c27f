package postgres

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
)

const (
	scramIterations = 4096 // PostgreSQL's own
	scramSaltBytes  = 16
)

// scramVerifier is what PostgreSQL stores of a password (RFC 5803), made here so that the password
// itself never travels in a statement. ASCII passwords only, which need no normalisation.
func scramVerifier(password string) (string, error) {
	if password == "" {
		return "", errors.New("password is empty")
	}
	for _, r := range password {
		if r < ' ' || r > '~' {
			return "", errors.New("password must be printable ASCII")
		}
	}
	salt := make([]byte, scramSaltBytes)
	_, _ = rand.Read(salt) // never fails: documented
	salted, err := pbkdf2.Key(sha256.New, password, salt, scramIterations, sha256.Size)
	if err != nil {
		return "", err
	}
	stored := sha256.Sum256(keyed(salted, "Client Key"))
	b64 := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("SCRAM-SHA-256$%d:%s$%s:%s", scramIterations, b64(salt), b64(stored[:]), b64(keyed(salted, "Server Key"))), nil
}

func keyed(key []byte, label string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(label))
	return mac.Sum(nil)
}
