package register_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
	optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"

	"github.com/dorsetcarerecord/dcr/dcrctl/internal/api"
)

// gateway stands in for the real one, whose part in this the black box tests: it keeps rows as the contract says,
// and fails when it is told to.
type gateway struct {
	server *httptest.Server
	// before is asked at each call; when it answers, the call is not looked at. lose says whether the call's
	// answer is lost although it was done.
	before func(w http.ResponseWriter, call int) bool
	lose   func(call int) bool

	mu    sync.Mutex
	calls int
	rows  map[string]*optoutv1.RegisterRow
	ready int
}

func newGateway(t *testing.T) *gateway {
	t.Helper()
	g := &gateway{
		rows:   map[string]*optoutv1.RegisterRow{},
		before: func(http.ResponseWriter, int) bool { return false },
		lose:   func(int) bool { return false },
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/opt-out-imports/old:import", g.take)
	mux.HandleFunc("GET /v1/opt-out-imports/old", g.progress)
	mux.HandleFunc("POST /v1/opt-out-imports/old:signOff", g.signOff)
	mux.HandleFunc("POST /v1/opt-outs:export", g.export)
	g.server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.calls++
		switch {
		case g.before(w, g.calls):
		case r.Header.Get("Authorization") != "Bearer of an officer":
			refuse(w, http.StatusUnauthorized, "UNAUTHENTICATED", "")
		case g.lose(g.calls):
			mux.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		default:
			mux.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(g.server.Close)
	return g
}

func refuse(w http.ResponseWriter, status int, reason, field string) {
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"error":{"code":%d,"message":"words of ours","details":[{"reason":%q},{"field_violations":[{"field":%q}]},{"request_id":"0190-abc"}]}}`, status, reason, field)
}

// take keeps each row that is good, once.
func (g *gateway) take(w http.ResponseWriter, r *http.Request) {
	in := &gatewayv1.ImportOptOutsRequest{}
	if !accept(w, r, in) {
		return
	}
	out := &gatewayv1.ImportOptOutsResponse{}
	for _, row := range in.GetRows() {
		result := &optoutv1.RowResult{RowId: row.GetRowId(), Outcome: optoutv1.RowOutcome_ROW_OUTCOME_TAKEN}
		known := g.rows[row.GetRowId()]
		switch {
		case row.GetPerson().GetFamilyName() == "Faulty":
			result.Outcome, result.Reason, result.Field = optoutv1.RowOutcome_ROW_OUTCOME_FAULTY, "INVALID_NHS_NUMBER", "person.nhs_number"
		case known != nil && proto.Equal(known, row):
			result.Outcome = optoutv1.RowOutcome_ROW_OUTCOME_REPEATED
		case known != nil:
			result.Outcome = optoutv1.RowOutcome_ROW_OUTCOME_DIFFERS
		case !in.GetDryRun():
			g.rows[row.GetRowId()] = row
		}
		if result.GetOutcome() == optoutv1.RowOutcome_ROW_OUTCOME_TAKEN && !in.GetDryRun() {
			result.OptOutId, result.Reference = "id of "+row.GetRowId(), "K7M2-9QXT-4WPC"
		}
		out.Results = append(out.Results, result)
	}
	answer(w, out)
}

func (g *gateway) progress(w http.ResponseWriter, _ *http.Request) {
	answer(w, &gatewayv1.GetOptOutImportResponse{Progress: &optoutv1.GetImportResponse{Register: "old", Candidates: int32(len(g.rows)), Ready: int32(g.ready)}})
}

// signOff confirms at most ten at a time; every tenth is a duplicate.
func (g *gateway) signOff(w http.ResponseWriter, r *http.Request) {
	in := &gatewayv1.SignOffOptOutImportRequest{}
	if !accept(w, r, in) {
		return
	}
	if int(in.GetReady()) != g.ready || in.GetNote() == "" || in.GetRequestId() == "" {
		refuse(w, http.StatusBadRequest, "IMPORT_CHANGED", "ready")
		return
	}
	did := min(10, g.ready)
	g.ready -= did
	answer(w, &gatewayv1.SignOffOptOutImportResponse{Effective: int32(did - did/10), Duplicates: int32(did / 10), Left: int32(g.ready)})
}

// export gives ten rows a page, by id.
func (g *gateway) export(w http.ResponseWriter, r *http.Request) {
	in := &gatewayv1.ExportOptOutsRequest{}
	if !accept(w, r, in) {
		return
	}
	var ids []string
	for id := range g.rows {
		if id > in.GetPageToken() {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	out := &gatewayv1.ExportOptOutsResponse{}
	for _, id := range ids[:min(10, len(ids))] {
		out.Rows = append(out.Rows, g.rows[id])
		out.NextPageToken = id
	}
	if len(ids) <= 10 {
		out.NextPageToken = ""
	}
	answer(w, out)
}

func accept(w http.ResponseWriter, r *http.Request, in proto.Message) bool {
	body, err := io.ReadAll(r.Body)
	if err != nil || r.Header.Get("Content-Type") != "application/json" || protojson.Unmarshal(body, in) != nil {
		refuse(w, http.StatusTeapot, "NOT_THE_CONTRACT", "")
		return false
	}
	return true
}

func answer(w http.ResponseWriter, out proto.Message) {
	text, err := protojson.Marshal(out)
	if err != nil {
		panic(err)
	}
	if _, err := w.Write(text); err != nil {
		panic(err)
	}
}

type token string

func (t token) Token(_ context.Context, _ bool) (string, error) { return string(t), nil }

// caller is a client whose waits are over at once.
func (g *gateway) caller(t *testing.T) *api.Client {
	t.Helper()
	c, err := api.New(api.Config{
		Gateway: g.server.URL, HTTP: g.server.Client(), Tokens: token("of an officer"), Attempts: 4, Now: time.Now,
		Wait: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// mends lets every call through from now on: one that was cut off may still be under way.
func (g *gateway) mends() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.before, g.lose = func(http.ResponseWriter, int) bool { return false }, func(int) bool { return false }
}

// count is how many rows the gateway has.
func (g *gateway) count() int { return len(strings.Fields(g.kept())) }

// kept are the ids of the rows that the gateway has.
func (g *gateway) kept() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	var ids []string
	for id := range g.rows {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return strings.Join(ids, " ")
}
