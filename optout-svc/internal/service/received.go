package service

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/dorsetcarerecord/dcr/internal/personname"

	"github.com/dorsetcarerecord/dcr/optout-svc/internal/claim"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/reference"
	"github.com/dorsetcarerecord/dcr/optout-svc/internal/store"
)

// clockSkew is how far ahead of ours the clock of whoever noted the receipt may be.
const clockSkew = time.Minute

// most is the longest a line of evidence and a note may be, in characters.
const (
	maxLine = 200
	maxNote = 500
)

// asked is what every kind of request says, however it came.
type asked struct {
	out             bool
	channel         optoutv1.Channel
	evidence        string
	channelEvidence *optoutv1.ChannelEvidence
	requester       optoutv1.Requester
	claimed         *optoutv1.ClaimedPerson // nil when nothing but the number is known
	askedBy         *optoutv1.RequesterDetails
	receivedAt      *timestamppb.Timestamp
	format          optoutv1.LetterFormat
	// withoutRequester lets somebody else ask without a name, as older systems' registers have it.
	withoutRequester bool
	// claimField is what the request calls the claimed person.
	claimField string
}

// today is the date in the policy's zone.
func (c *core) today() claim.Date { return claim.Today(c.now(), c.policy.Zone()) }

// draft checks what is asked for and makes a request of it. Nothing is written.
func (c *core) draft(a asked) (store.OptOut, error) {
	line, err := claim.Line(a.evidence, maxLine)
	if err != nil {
		return store.OptOut{}, invalid("evidence", err.Error())
	}
	now := c.moment()
	received := now
	if a.receivedAt != nil {
		if !a.receivedAt.IsValid() || a.receivedAt.AsTime().After(now.Add(clockSkew)) {
			return store.OptOut{}, invalid("received_at", "must be a time that is not in the future")
		}
		received = a.receivedAt.AsTime().Truncate(time.Microsecond)
	}
	detail, err := c.channelEvidence(a)
	if err != nil {
		return store.OptOut{}, err
	}
	var said store.Claim
	if a.claimed != nil {
		if said, err = c.claim(a); err != nil {
			return store.OptOut{}, err
		}
	}
	id, err := c.newID()
	if err != nil {
		return store.OptOut{}, fmt.Errorf("make id: %w", err)
	}
	return store.OptOut{
		ID: id, Reference: reference.New(), Sealed: a.out, Channel: int32(a.channel), Evidence: line, ChannelEvidence: detail,
		Requester: int32(a.requester), ReceivedAt: received, EnteredAt: now, LetterFormat: int32(formatOr(a.format)),
		PolicyVersion: c.policy.Version(), HasClaim: a.claimed != nil, Claim: said,
	}, nil
}

func formatOr(f optoutv1.LetterFormat) optoutv1.LetterFormat {
	if f == optoutv1.LetterFormat_LETTER_FORMAT_UNSPECIFIED {
		return optoutv1.LetterFormat_LETTER_FORMAT_STANDARD
	}
	return f
}

// claim checks who is said to ask for whom.
func (c *core) claim(a asked) (store.Claim, error) {
	p, by := a.claimed, a.askedBy
	said, problems := claim.Check(claim.Raw{
		NHSNumber: p.GetNhsNumber(), FamilyName: p.GetFamilyName(), GivenName: p.GetGivenNames(), BirthDate: p.GetBirthDate(),
		Postcode: p.GetPostcode(), Requester: string(requesterOf(a.requester)),
		RequesterName:      strings.TrimSpace(by.GetGivenNames() + " " + by.GetFamilyName()),
		RequesterBirthDate: by.GetBirthDate(),
	}, c.policy, c.today())
	if a.withoutRequester && by == nil {
		problems = slices.DeleteFunc(problems, func(p claim.Problem) bool { return strings.HasPrefix(p.Field, "requester_") })
	}
	if err := faulty(named(problems), a.claimField); err != nil {
		return store.Claim{}, err
	}
	made := store.Claim{
		ClaimedNumber: said.NHSNumber, FamilyName: said.FamilyName, FamilyKey: personname.Fold(said.FamilyName), GivenNames: said.GivenName,
		BirthDate: string(said.BirthDate), Postcode: said.Postcode, RequesterBirthDate: string(said.RequesterBirthDate),
	}
	for _, l := range []struct {
		field, text string
		into        *string
	}{
		{"asked_by.family_name", by.GetFamilyName(), &made.RequesterFamilyName},
		{"asked_by.given_names", by.GetGivenNames(), &made.RequesterGivenNames},
		{"asked_by.relation", by.GetRelation(), &made.Relation},
		{"asked_by.authority", by.GetAuthority(), &made.Authority},
	} {
		if l.text == "" {
			continue
		}
		line, err := claim.Line(l.text, maxLine)
		if err != nil {
			return made, invalid(l.field, err.Error())
		}
		*l.into = line
	}
	return made, nil
}

// named gives the fields of problems their names in the contract.
func named(problems []claim.Problem) []claim.Problem {
	names := map[string]string{
		"given_name": "given_names", "requester_name": "^asked_by.family_name", "requester_birth_date": "^asked_by.birth_date",
		"requester": "^requester",
	}
	for i, p := range problems {
		if name, ok := names[p.Field]; ok {
			problems[i].Field = name
		}
	}
	return problems
}

// channelEvidence checks what a channel leaves behind, and writes it as JSON.
func (c *core) channelEvidence(a asked) (string, error) {
	given := a.channelEvidence
	parts := map[optoutv1.Channel]bool{
		optoutv1.Channel_CHANNEL_TELEPHONE: given.GetTelephone() != nil, optoutv1.Channel_CHANNEL_POST: given.GetPost() != nil,
		optoutv1.Channel_CHANNEL_LEAFLET: given.GetLeaflet() != nil, optoutv1.Channel_CHANNEL_ONLINE: given.GetOnline() != nil,
	}
	for channel, there := range parts {
		if there && (channel != a.channel || channel == optoutv1.Channel_CHANNEL_ONLINE) {
			return "", invalid("channel_evidence", "must be of the channel by which the request came")
		}
	}
	if err := c.checkLines(given); err != nil {
		return "", err
	}
	if given == nil {
		return "{}", nil
	}
	text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(given)
	if err != nil {
		return "", fmt.Errorf("encode channel evidence: %w", err)
	}
	return string(text), nil
}

// checkLines checks the words and dates of channel evidence.
func (c *core) checkLines(given *optoutv1.ChannelEvidence) error {
	lines := map[string]string{
		"telephone.call_reference": given.GetTelephone().GetCallReference(), "telephone.taken_by": given.GetTelephone().GetTakenBy(),
		"leaflet.form_reference": given.GetLeaflet().GetFormReference(), "leaflet.handed_in_at": given.GetLeaflet().GetHandedInAt(),
	}
	for i, q := range given.GetTelephone().GetQuestions() {
		lines[fmt.Sprintf("telephone.questions[%d].question", i)] = q.GetQuestion()
	}
	for field, text := range lines {
		if text == "" {
			continue
		}
		if _, err := claim.Line(text, maxLine); err != nil {
			return invalid("channel_evidence."+field, err.Error())
		}
	}
	for field, day := range map[string]string{
		"post.received_on": given.GetPost().GetReceivedOn(), "leaflet.handed_in_on": given.GetLeaflet().GetHandedInOn(),
	} {
		if err := c.checkDay("channel_evidence."+field, day); err != nil {
			return err
		}
	}
	return nil
}

// checkDay wants a day that is not in the future, or none.
func (c *core) checkDay(field, day string) error {
	if day == "" {
		return nil
	}
	d, err := claim.ParseDate(day)
	if err != nil {
		return invalid(field, err.Error())
	}
	if d > c.today() {
		return invalid(field, "must not be in the future")
	}
	return nil
}

// decodeEvidence reads what channelEvidence wrote.
func decodeEvidence(text string) *optoutv1.ChannelEvidence {
	made := &optoutv1.ChannelEvidence{}
	if !json.Valid([]byte(text)) || protojson.Unmarshal([]byte(text), made) != nil || proto.Size(made) == 0 {
		return nil
	}
	return made
}
