package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	accessv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/access/v1"
	recordv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/record/v1"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/ingest"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/nevershared"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/render"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/section"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/store"
)

// reads shows records to the gateway.
type reads struct {
	recordv1.UnimplementedReadServiceServer
	store    *store.Store
	ingester *ingest.Ingester
	rules    *nevershared.Set
	now      func() time.Time
}

// view is what one statement read of a person.
type view struct {
	gate   store.Gate
	pieces map[section.Name]store.Piece
	feeds  []store.Freshness
}

// masked tells whether the view withholds a restricted person's details.
func (v *view) masked(g *grant) bool { return g.mask.Applies(v.gate) }

// GetRecord joins the permitted pieces.
func (r *reads) GetRecord(ctx context.Context, req *recordv1.GetRecordRequest) (*recordv1.GetRecordResponse, error) {
	g, err := readGrant(req.GetGrant())
	if err != nil {
		return nil, err
	}
	names, err := asked(req.GetAsked())
	if err != nil {
		return nil, err
	}
	v, err := r.read(ctx, g, wanted(g, names))
	if err != nil {
		return nil, err
	}
	body, err := r.join(g, v, names)
	if err != nil {
		return nil, err
	}
	return &recordv1.GetRecordResponse{Body: body, Manifest: v.manifest(names)}, nil
}

// wanted are the pieces of the asked sections that the grant permits.
func wanted(g *grant, names []section.Name) []store.Wanted {
	var all []store.Wanted
	for _, name := range names {
		if level, ok := g.levels[name]; ok {
			all = append(all, store.Wanted{Section: name, Level: level})
		}
	}
	return all
}

// read reads pieces and feeds. Pieces that were rendered under other never-shared sets than
// those in force are rendered anew first; if that does not help, the view is refused.
func (r *reads) read(ctx context.Context, g *grant, want []store.Wanted) (*view, error) {
	v, err := r.readOnce(ctx, g, want)
	if !errors.Is(err, errStale) {
		return v, err
	}
	if err := r.ingester.Rerender(ctx, g.number); err != nil {
		return nil, fmt.Errorf("render anew: %w", err)
	}
	if v, err = r.readOnce(ctx, g, want); errors.Is(err, errStale) {
		return nil, notReady()
	}
	return v, err
}

// errStale says that a piece is missing or was rendered under other never-shared sets.
var errStale = errors.New("pieces are not those of the sets in force")

func (r *reads) readOnce(ctx context.Context, g *grant, want []store.Wanted) (*view, error) {
	read, err := r.store.View(ctx, g.number, g.choice, want, g.mask)
	if err := checkGate(read.Gate, g.choice, err); err != nil {
		return nil, err
	}
	if read.Gate.Rules != r.rules.Version() {
		return nil, errStale
	}
	v := &view{gate: read.Gate, pieces: map[section.Name]store.Piece{}, feeds: read.Feeds}
	if v.masked(g) {
		return v, r.maskPieces(ctx, g, v, want)
	}
	return v, r.keep(v, read.Pieces, want)
}

// keep takes the pieces over, if they are all there and were all rendered under the sets in force.
func (r *reads) keep(v *view, pieces []store.Piece, want []store.Wanted) error {
	for _, p := range pieces {
		if p.Rules != r.rules.Version() {
			return errStale
		}
		v.pieces[p.Section] = p
	}
	if len(v.pieces) != len(want) {
		return errStale
	}
	return nil
}

// join puts the ready pieces together. Nothing of them is parsed.
func (r *reads) join(g *grant, v *view, names []section.Name) ([]byte, error) {
	size := 4096
	for _, p := range v.pieces {
		size += len(p.Body) + 1
	}
	body := make([]byte, 0, size)
	body = append(body, `{"nhs_number":"`...)
	body = append(body, string(g.number)...)
	body = append(body, `","assembled_at":"`...)
	body = r.now().UTC().AppendFormat(body, time.RFC3339)
	body = append(body, `","sections":[`...)
	for i, name := range names {
		if i > 0 {
			body = append(body, ',')
		}
		if p, ok := v.pieces[name]; ok {
			body = append(body, p.Body...)
			continue
		}
		text, err := render.NotIncluded(name, textNotYourRole)
		if err != nil {
			return nil, err
		}
		body = append(body, text...)
	}
	body = append(body, `],"sources":`...)
	var err error
	if body, err = appendJSON(body, sources(v.pieces, v.feeds, v.masked(g))); err != nil {
		return nil, err
	}
	body = append(body, `,"not_included":`...)
	if body, err = appendJSON(body, gaps(g, anyRefused(v.feeds), v.masked(g))); err != nil {
		return nil, err
	}
	return append(body, '}'), nil
}

func appendJSON(body []byte, v any) ([]byte, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("print view: %w", err)
	}
	return append(body, text...), nil
}

// manifest says what the view holds, for its audit event.
func (v *view) manifest(names []section.Name) *recordv1.Manifest {
	m := &recordv1.Manifest{Sections: make([]*accessv1.SectionGrant, 0, len(names))}
	for _, name := range names {
		p, ok := v.pieces[name]
		if !ok {
			continue
		}
		m.Sections = append(m.Sections, grantOf(name, p.Level))
		m.Entries += int32(p.Entries) //nolint:gosec // bounded by what one person's record can hold
		for _, s := range p.Shown {
			if !slices.Contains(m.SourceOdsCodes, s.ODSCode) {
				m.SourceOdsCodes = append(m.SourceOdsCodes, s.ODSCode)
			}
		}
	}
	slices.Sort(m.SourceOdsCodes)
	return m
}
