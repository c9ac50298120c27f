package service

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"

	accessv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/access/v1"
	recordv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/record/v1"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/fhir"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/ingest"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/render"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/section"
	"github.com/dorsetcarerecord/dcr/record-svc/internal/store"
)

// GetEntry returns one entry with its resource as it came and its versions: each only if this grant may see
// it in full now, and the entry as a whole only if its current version may be seen. Everything else is not
// found, in the same words as what is not there.
func (r *reads) GetEntry(ctx context.Context, req *recordv1.GetEntryRequest) (*recordv1.GetEntryResponse, error) {
	g, err := readGrant(req.GetGrant())
	if err != nil {
		return nil, err
	}
	id, parseErr := uuid.Parse(req.GetId())
	gate, detail, err := r.store.Detail(ctx, g.number, g.choice, id)
	if err := checkGate(gate, g.choice, err); err != nil {
		return nil, err
	}
	if parseErr != nil || detail == nil || detail.State != store.Shown {
		return nil, noEntry()
	}
	gate, items, err := r.ingester.Shown(ctx, g.number, g.choice)
	if err := checkGate(gate, g.choice, err); err != nil {
		return nil, err
	}
	isMasked := g.mask.Applies(gate)
	item, ok := find(items, detail.ID)
	if !ok || !r.mayShow(g, detail, detail.Versions[0]) || isMasked && item.Section == section.Demographics && item.Type != "Patient" {
		return nil, noEntry()
	}
	body, err := r.detail(g, detail, item, items, isMasked)
	if err != nil {
		return nil, err
	}
	return &recordv1.GetEntryResponse{Body: body, Manifest: &recordv1.Manifest{
		Sections: []*accessv1.SectionGrant{grantOf(item.Section, render.Full)}, Entries: 1, SourceOdsCodes: []string{detail.SourceODS},
	}}, nil
}

func find(items []render.Item, id string) (render.Item, bool) {
	for _, i := range items {
		if i.ID == id {
			return i, true
		}
	}
	return render.Item{}, false
}

// mayShow decides about one version under the grant and the never-shared sets in force. A resource that
// contains others is shown only if each of those may be seen in full too.
func (r *reads) mayShow(g *grant, d *store.Detail, v store.StoredVersion) bool {
	if v.Deleted {
		return true // a tombstone says only that and when
	}
	if v.Raw == nil || g.levels[v.Section] != render.Full {
		return false
	}
	raw := []byte(*v.Raw)
	if _, matched := r.rules.MatchResource(raw); matched {
		return false
	}
	resource, err := fhir.Decode(raw)
	if err != nil {
		return false // what cannot be read cannot be judged
	}
	for _, contained := range resource.Contained {
		if !mayContain(g, contained, ingest.KindOf(d.SourceKind)) {
			return false
		}
	}
	return true
}

// mayContain decides about one contained resource of a sender.
func mayContain(g *grant, raw []byte, from section.Kind) bool {
	resource, err := fhir.Decode(raw)
	if err != nil {
		return false
	}
	if section.KeepingOf(resource.Kind()) == section.Supporting {
		return true
	}
	name, ok := section.Of(resource, from)
	return ok && g.levels[name] == render.Full
}

// detail is the JSON of message EntryDetail. A resource goes into it byte for byte; in an unbroken view of
// a restricted person it stays out, since it may name the address, a contact or the GP anywhere.
func (r *reads) detail(g *grant, d *store.Detail, item render.Item, items []render.Item, isMasked bool) ([]byte, error) {
	entry, err := json.Marshal(render.Flat(item, render.Form{Level: render.Full, Masked: isMasked}, items))
	if err != nil {
		return nil, fmt.Errorf("print entry: %w", err)
	}
	body := append([]byte(`{"entry":`), entry...)
	body = append(body, `,"versions":[`...)
	first := true
	for _, v := range d.Versions {
		if !r.mayShow(g, d, v) {
			continue
		}
		if !first {
			body = append(body, ',')
		}
		first = false
		if body, err = appendVersion(body, v, item.Source, isMasked); err != nil {
			return nil, err
		}
	}
	return append(body, `]}`...), nil
}

func appendVersion(body []byte, v store.StoredVersion, from render.Source, isMasked bool) ([]byte, error) {
	shown := render.EntrySource{ODSCode: from.ODS, Name: from.Name, FormerPractice: from.Former, ReceivedAt: v.ReceivedAt.UTC().Format(time.RFC3339)}
	if isMasked && from.Practice {
		shown = render.EntrySource{Name: withheldPractices, ReceivedAt: shown.ReceivedAt}
	}
	body = append(body, `{"version":`...)
	body = strconv.AppendInt(body, int64(v.Number), 10)
	body = append(body, `,"source":`...)
	body, err := appendJSON(body, shown)
	if err != nil {
		return nil, err
	}
	body = append(body, `,"ordered_at":"`...)
	body = v.OrderedAt.UTC().AppendFormat(body, time.RFC3339Nano)
	body = append(body, '"')
	if v.Deleted {
		return append(body, `,"deleted":true}`...), nil
	}
	body = append(body, `,"sha256":"`...)
	body = append(body, hex.EncodeToString(v.SHA256)...)
	body = append(body, '"')
	if !isMasked {
		body = append(body, `,"fhir":`...)
		body = append(body, *v.Raw...)
	}
	return append(body, '}'), nil
}
