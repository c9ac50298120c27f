// Package notifytest is GOV.UK Notify for tests: the part of its API, version 2, that we use, written after
// its public documentation. It checks keys as Notify does, remembers what it took, and fails as told.
package notifytest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
)

// The key that the server believes.
const (
	Service = "26785a09-ab16-4eb0-8407-a37497a57506"
	Secret  = "3d844edf-8d35-48ac-975b-e847b4f122b0"
	Key     = "our-test-key-" + Service + "-" + Secret
	// EmailTemplate and TextTemplate are the templates that it has.
	EmailTemplate = "f33517ff-2a88-4f6e-b855-c550268ce08a"
	TextTemplate  = "ceb50d92-100d-4b8b-b559-14fa3b091cda"
)

// clockTolerance is how far the time of a token may be from the server's.
const clockTolerance = 30 * time.Second

// Notification is something that the server took.
type Notification struct {
	ID              string            `json:"id"`
	Reference       string            `json:"reference"`
	Type            string            `json:"type"`
	Status          string            `json:"status"`
	Content         []byte            `json:"-"`
	To              string            `json:"-"`
	Personalisation map[string]string `json:"-"`
}

// Fault is how one POST goes wrong. The zero Fault is none.
type Fault struct {
	// Status and Type of the answer, instead of taking the notification.
	Status int
	Type   string
	// RetryAfter is the header of that name.
	RetryAfter string
	// Lose takes the notification and breaks the connection without an answer.
	Lose bool
	// Garble takes it and answers 201 with something that is no JSON.
	Garble bool
	// Late takes it after that time, when the client may be gone, and does not answer.
	Late time.Duration
	// Hold waits, before anything else, until Hold is closed or the client is gone.
	Hold chan struct{}
}

// Server is Notify.
type Server struct {
	URL string

	now    func() time.Time
	mu     sync.Mutex
	taken  []Notification
	faults []Fault
	finds  int
	busy   int
}

// New starts a server that ends with the test.
func New(t testing.TB, now func() time.Time) *Server {
	t.Helper()
	s := &Server{now: now}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v2/notifications/{type}", s.authorised(s.post))
	mux.HandleFunc("GET /v2/notifications", s.authorised(s.list))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	s.URL = server.URL
	return s
}

// Fail makes the next POSTs go wrong, one by one.
func (s *Server) Fail(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, faults...)
}

// Taken is what the server took.
func (s *Server) Taken() []Notification {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Notification(nil), s.taken...)
}

// Finds counts the questions that were asked.
func (s *Server) Finds() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.finds
}

// SetStatus says how far everything is that was taken.
func (s *Server) SetStatus(status string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.taken {
		s.taken[i].Status = status
	}
}

// Forget drops what was taken, as Notify does after seven days.
func (s *Server) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken = nil
}

// Idle tells whether no POST is under way, late ones included.
func (s *Server) Idle() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.busy == 0
}

func (s *Server) enter(by int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy += by
}

func (s *Server) nextFault() Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.faults) == 0 {
		return Fault{}
	}
	f := s.faults[0]
	s.faults = s.faults[1:]
	return f
}

func (s *Server) post(w http.ResponseWriter, r *http.Request) {
	s.enter(1)
	defer s.enter(-1)
	f := s.nextFault()
	if f.Hold != nil {
		select {
		case <-f.Hold:
		case <-r.Context().Done():
			return
		}
	}
	if f.Status != 0 {
		w.Header().Set("Retry-After", f.RetryAfter)
		refuse(w, f.Status, f.Type)
		return
	}
	n, problem := read(r)
	if problem != "" {
		refuse(w, http.StatusBadRequest, problem)
		return
	}
	if f.Late > 0 {
		<-time.After(f.Late)
	}
	s.mu.Lock()
	s.taken = append(s.taken, n)
	s.mu.Unlock()
	switch {
	case f.Lose || f.Late > 0:
		panic(http.ErrAbortHandler)
	case f.Garble:
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write([]byte("<html>"))
	default:
		answer(w, http.StatusCreated, map[string]any{"id": n.ID, "reference": n.Reference})
	}
}

// read checks a POST as Notify does.
func read(r *http.Request) (Notification, string) {
	var body struct {
		Reference       string            `json:"reference"`
		Content         []byte            `json:"content"`
		EmailAddress    string            `json:"email_address"`
		PhoneNumber     string            `json:"phone_number"`
		TemplateID      string            `json:"template_id"`
		Personalisation map[string]string `json:"personalisation"`
	}
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&body); err != nil || body.Reference == "" || r.Header.Get("Content-Type") != "application/json" {
		return Notification{}, "ValidationError"
	}
	n := Notification{
		ID: uuid.NewString(), Reference: body.Reference, Type: r.PathValue("type"), Status: "created",
		Content: body.Content, To: body.EmailAddress + body.PhoneNumber, Personalisation: body.Personalisation,
	}
	template := map[string]string{"email": EmailTemplate, "sms": TextTemplate}[n.Type]
	switch {
	case n.Type == "letter" && !strings.HasPrefix(string(n.Content), "%PDF-"):
		return n, "BadRequestError"
	case body.TemplateID != template || n.Type != "letter" && n.To == "":
		return n, "ValidationError"
	}
	return n, ""
}

func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.finds++
	found := []Notification{}
	for _, n := range s.taken {
		if n.Reference == r.FormValue("reference") && n.Type == r.FormValue("template_type") {
			found = append(found, n)
		}
	}
	answer(w, http.StatusOK, map[string]any{"notifications": found, "links": map[string]string{}})
}

// authorised lets those pass who show a token signed with the key, made within 30 seconds of now.
func (s *Server) authorised(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !ok || !s.believes(token) {
			refuse(w, http.StatusForbidden, "AuthError")
			return
		}
		next(w, r)
	}
}

func (s *Server) believes(token string) bool {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return false
	}
	mac := hmac.New(sha256.New, []byte(Secret))
	_, _ = mac.Write([]byte(parts[0] + "." + parts[1]))
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || !hmac.Equal(signature, mac.Sum(nil)) {
		return false
	}
	var header struct{ Typ, Alg string }
	var claims struct {
		Iss string
		Iat int64
	}
	if !decode(parts[0], &header) || !decode(parts[1], &claims) {
		return false
	}
	age := s.now().Sub(time.Unix(claims.Iat, 0))
	return header.Typ == "JWT" && header.Alg == "HS256" && claims.Iss == Service && age.Abs() <= clockTolerance
}

func decode(part string, into any) bool {
	text, err := base64.RawURLEncoding.DecodeString(part)
	return err == nil && json.Unmarshal(text, into) == nil
}

func refuse(w http.ResponseWriter, status int, kind string) {
	answer(w, status, map[string]any{
		"status_code": status, "errors": []map[string]string{{"error": kind, "message": "something about 1 High Street"}},
	})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
