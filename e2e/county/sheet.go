package county

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"
)

// sheet is one organisation's feed about one person in the making.
type sheet struct {
	life    *life
	org     Organisation
	posts   bool
	entries []entry
	patient string            // reference to the Patient
	known   map[string]string // references to resources that are written once, by key
}

// entry of a transaction bundle.
type entry struct {
	FullURL  string   `json:"fullUrl"`
	Resource resource `json:"resource"`
	Request  request  `json:"request"`
}

type request struct {
	Method string `json:"method"`
	URL    string `json:"url"`
}

// sheet begins an organisation's feed. The organisation is one of the table: contribute names no other.
func (l *life) sheet(odsCode string) *sheet {
	org, _ := l.county.Organisation(odsCode)
	return &sheet{life: l, org: org, posts: sendsPosts(odsCode), known: map[string]string{}}
}

// add writes a resource that was last changed at an instant, and returns the reference to it. key tells it from the other
// resources of its type in the feed, and with organisation, person and seed makes its id: a county made later from the
// same seed updates the resources of the earlier one.
func (s *sheet) add(resourceType, key string, changed time.Time, r resource) string {
	return s.write(resourceType, s.id(resourceType, strconv.Itoa(s.life.index)+"/"+key), changed, r)
}

func (s *sheet) write(resourceType, id string, changed time.Time, r resource) string {
	if changed.After(s.life.now) {
		changed = s.life.now
	}
	r["resourceType"] = resourceType
	meta, ok := r["meta"].(resource)
	if !ok {
		meta = resource{}
	}
	meta["lastUpdated"] = instant(changed)
	meta["source"] = "urn:ods:" + s.org.ODSCode
	r["meta"] = meta
	e := entry{FullURL: "urn:uuid:" + id, Resource: r}
	if s.posts {
		e.Request = request{"POST", resourceType}
		s.identify(r, id)
	} else {
		r["id"] = id
		e.Request = request{"PUT", resourceType + "/" + id}
	}
	s.entries = append(s.entries, e)
	if s.posts {
		return e.FullURL
	}
	return e.Request.URL
}

// id of a resource, always the same for the same place in the county.
func (s *sheet) id(resourceType, key string) string {
	name := fmt.Sprintf("%d/%s/%s/%s", s.life.seed, s.org.ODSCode, resourceType, key)
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte(name)).String()
}

// identify gives a posted resource a business identifier, by which a repeated POST is known. A Composition has room for one
// identifier, the others for several.
func (s *sheet) identify(r resource, id string) {
	own := resource{"system": localID, "value": s.org.ODSCode + "-" + id}
	if r["resourceType"] == "Composition" {
		r["identifier"] = own
		return
	}
	others, _ := r["identifier"].(list)
	r["identifier"] = append(append(list{}, others...), own)
}

// once writes a resource of the sender's own, an organisation or a member of staff, the first time that its key is asked for.
// It is the same to the last byte in all of the sender's feeds, as it is one thing in the sender's system.
func (s *sheet) once(resourceType, key string, r resource) string {
	if s.known[resourceType+key] == "" {
		changed := s.life.now.AddDate(0, 0, -400)
		s.known[resourceType+key] = s.write(resourceType, s.id(resourceType, key), changed, r)
	}
	return s.known[resourceType+key]
}

// organisation that sends, as a resource of the feed.
func (s *sheet) organisation() resource {
	to := s.once("Organization", s.org.ODSCode, resource{
		"identifier": list{resource{"system": odsSystem, "value": s.org.ODSCode}},
		"name":       s.org.Name,
	})
	return reference(to, s.org.Name)
}

// practitioner is a member of staff as a resource of the feed.
func (s *sheet) practitioner(member Staff) resource {
	to := s.once("Practitioner", member.Subject, resource{
		"identifier": list{resource{"system": sdsSystem, "value": member.Subject}},
		"name":       list{resource{"family": member.FamilyName, "given": list{member.GivenName}, "prefix": list{member.Title}}},
	})
	return reference(to, member.Name())
}

// staff is somebody of the sender with one of the roles, or anybody there if nobody has.
func (s *sheet) staff(roles ...Role) Staff {
	found := s.life.county.at(s.org.ODSCode, roles...)
	if len(found) == 0 {
		found = s.life.county.at(s.org.ODSCode)
	}
	return found[s.life.index%len(found)]
}

// author is a reference to somebody of the sender.
func (s *sheet) author(roles ...Role) resource { return s.practitioner(s.staff(roles...)) }

// subject is a reference to the person.
func (s *sheet) subject() resource { return resource{"reference": s.patient} }

// bundle closes the feed. Encoding cannot fail: the sheet holds strings, numbers, lists and maps.
func (s *sheet) bundle() Bundle {
	text, err := json.Marshal(struct {
		ResourceType string  `json:"resourceType"`
		Type         string  `json:"type"`
		Timestamp    string  `json:"timestamp"`
		Entry        []entry `json:"entry"`
	}{"Bundle", "transaction", instant(s.life.now), s.entries})
	if err != nil {
		panic("county: encode bundle: " + err.Error())
	}
	return Bundle{ODSCode: s.org.ODSCode, JSON: text, Entries: len(s.entries)}
}
