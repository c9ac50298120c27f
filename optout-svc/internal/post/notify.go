package post

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/google/uuid"
)

const (
	// notifyRemembers is what Notify's documentation promises: messages can be asked for during 7 days. A
	// day less is for clocks and zones.
	notifyRemembers = 6 * 24 * time.Hour
	// answerLimit bounds an answer; one notification with its text is a few kilobytes.
	answerLimit = 2 << 20
	// callLimit bounds one call whatever the caller's context says.
	callLimit = 20 * time.Second
)

// notify speaks GOV.UK Notify's REST API, version 2: letters as PDFs that we made, emails and texts by a
// template of the service that has nothing but our words in it.
type notify struct {
	base          string
	key           keyFile
	emailTemplate string
	textTemplate  string
	client        *http.Client
}

func openNotify(cfg Config) (*notify, error) {
	transport, err := transport(cfg.NotifyCAFile)
	if err != nil {
		return nil, err
	}
	n := &notify{
		base: strings.TrimRight(cfg.NotifyURL, "/"), key: keyFile{path: cfg.NotifyKeyFile, now: cfg.Now},
		emailTemplate: cfg.EmailTemplate, textTemplate: cfg.TextTemplate,
		client: &http.Client{
			Timeout:   callLimit,
			Transport: transport,
			// A redirected POST could carry a letter to a stranger.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	if _, err := n.key.token(); err != nil {
		return nil, fmt.Errorf("DCR_OPTOUT_NOTIFY_KEY_FILE: %w", err)
	}
	return n, nil
}

// transport trusts the authorities of a file instead of the system's: an image without a system has none.
func transport(caFile string) (*http.Transport, error) {
	t := &http.Transport{
		Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, IdleConnTimeout: time.Minute,
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12},
	}
	if caFile == "" {
		return t, nil
	}
	text, err := os.ReadFile(caFile)
	if err != nil {
		return nil, fmt.Errorf("DCR_OPTOUT_NOTIFY_CA_FILE: %w", err)
	}
	t.TLSClientConfig.RootCAs = x509.NewCertPool()
	if !t.TLSClientConfig.RootCAs.AppendCertsFromPEM(text) {
		return nil, errors.New("DCR_OPTOUT_NOTIFY_CA_FILE holds no certificate")
	}
	return t, nil
}

// Remembers is how long Notify can be asked for an item.
func (n *notify) Remembers() time.Duration { return notifyRemembers }

// message is the body of a POST; which fields are set depends on the way.
type message struct {
	Reference       string            `json:"reference"`
	Content         string            `json:"content,omitempty"` // a letter's PDF
	EmailAddress    string            `json:"email_address,omitempty"`
	PhoneNumber     string            `json:"phone_number,omitempty"`
	TemplateID      string            `json:"template_id,omitempty"`
	Personalisation map[string]string `json:"personalisation,omitempty"`
}

// message is the item as Notify wants it, and where it wants it.
func (n *notify) message(item Item) (path string, m message) {
	m.Reference = item.ID.String()
	switch item.By {
	case Letter:
		m.Content = base64.StdEncoding.EncodeToString(item.PDF)
		return "/v2/notifications/letter", m
	case Email:
		m.EmailAddress, m.TemplateID = item.Email, n.emailTemplate
		m.Personalisation = map[string]string{"subject": item.Subject, "body": item.Body}
		return "/v2/notifications/email", m
	default:
		m.PhoneNumber, m.TemplateID = item.Mobile, n.textTemplate
		m.Personalisation = map[string]string{"body": item.Body}
		return "/v2/notifications/sms", m
	}
}

// Send posts the item. Notify takes two with the same reference for two: see package.
func (n *notify) Send(ctx context.Context, item Item) (Receipt, error) {
	path, m := n.message(item)
	body, err := json.Marshal(m)
	if err != nil {
		return Receipt{}, &Error{Reason: ReasonRejected, Final: true, cause: err}
	}
	var made struct {
		ID uuid.UUID `json:"id"`
	}
	if err := n.call(ctx, http.MethodPost, path, body, http.StatusCreated, &made); err != nil {
		return Receipt{}, err
	}
	if made.ID == uuid.Nil {
		return Receipt{}, &Error{Reason: ReasonUnanswered, Unsure: true, cause: errors.New("no id")}
	}
	return Receipt{Reference: made.ID.String(), Progress: UnderWay}, nil
}

// Find asks for what was posted under our id.
func (n *notify) Find(ctx context.Context, id uuid.UUID, by Way) (Receipt, bool, error) {
	query := url.Values{"reference": {id.String()}, "template_type": {notifyType(by)}}
	var page struct {
		Notifications []struct {
			ID        uuid.UUID `json:"id"`
			Reference string    `json:"reference"`
			Status    string    `json:"status"`
		} `json:"notifications"`
	}
	if err := n.call(ctx, http.MethodGet, "/v2/notifications?"+query.Encode(), nil, http.StatusOK, &page); err != nil {
		return Receipt{}, false, err
	}
	for _, found := range page.Notifications {
		// A filter that a server ignored must not make another's letter ours.
		if found.Reference == id.String() && found.ID != uuid.Nil {
			return Receipt{Reference: found.ID.String(), Progress: progressOf(found.Status)}, true, nil
		}
	}
	return Receipt{}, false, nil
}

// notifyType is the way in Notify's words.
func notifyType(by Way) string {
	if by == Text {
		return "sms"
	}
	return string(by)
}

// progressOf reads Notify's status. One that is not known is under way: only what is known to have failed is
// told to have.
func progressOf(status string) Progress {
	switch status {
	case "delivered", "received", "sent":
		return Done
	case "permanent-failure", "temporary-failure", "technical-failure", "virus-scan-failed", "validation-failed", "cancelled":
		return Returned
	}
	return UnderWay
}

// call makes one call and reads its answer into into.
func (n *notify) call(ctx context.Context, method, path string, body []byte, want int, into any) error {
	token, err := n.key.token()
	if err != nil {
		return &Error{Reason: ReasonKey, cause: err}
	}
	request, err := http.NewRequestWithContext(ctx, method, n.base+path, bytes.NewReader(body))
	if err != nil {
		return &Error{Reason: ReasonUnreachable, cause: err}
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", "application/json")
	response, err := n.client.Do(request)
	if err != nil {
		return unanswered(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, answerLimit))
	if response.StatusCode != want {
		return refusal(response, answer)
	}
	if err == nil {
		err = json.Unmarshal(answer, into)
	}
	if err != nil {
		return &Error{Reason: ReasonUnanswered, Unsure: true, cause: err}
	}
	return nil
}

// unanswered tells a connection that was never made from one that was lost.
func unanswered(err error) *Error {
	var dialling *net.OpError
	if errors.As(err, &dialling) && dialling.Op == "dial" {
		return &Error{Reason: ReasonUnreachable, cause: err}
	}
	return &Error{Reason: ReasonUnanswered, Unsure: true, cause: err}
}
