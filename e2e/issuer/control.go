package issuer

import (
	"crypto/subtle"
	"net/http"
)

// rotateKeys lets a test in another process rotate the keys: POST with the control secret as bearer token. With the form
// value retire=true the earlier keys are withdrawn as well. Answers 204.
func (i *Issuer) rotateKeys(w http.ResponseWriter, r *http.Request) {
	given := []byte(r.Header.Get("Authorization"))
	if subtle.ConstantTimeCompare(given, []byte("Bearer "+i.config.ControlSecret)) != 1 {
		http.Error(w, "the control secret is needed", http.StatusUnauthorized)
		return
	}
	err := i.Rotate()
	if err == nil && r.FormValue("retire") == "true" {
		err = i.Retire()
	}
	if err != nil {
		i.config.Log.Error("rotate signing keys", "error", err)
		http.Error(w, "the keys could not be rotated", http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
