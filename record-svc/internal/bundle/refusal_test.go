package bundle

import (
	"strings"
	"testing"
)

func TestDecodeRefuses(t *testing.T) {
	a := put(patient("p", numberA))
	about := func(extra string) string {
		return put(`{"resourceType":"Condition","id":"c","subject":{"reference":"Patient/p"}` + extra + `}`)
	}
	conditional := func(method, url, condition string) string {
		return `{"request":{"method":"` + method + `","url":"` + url + `",` + condition + `},"resource":` + condition0 + `}`
	}
	cases := map[string]struct {
		body       string
		reason     Reason
		expression string
	}{
		"empty body":             {``, ReasonTruncated, ""},
		"not JSON":               {`<Bundle/>`, ReasonNotJSON, ""},
		"two documents":          {transaction(a) + `{}`, ReasonNotJSON, ""},
		"truncated":              {transaction(a)[:60], ReasonTruncated, ""},
		"truncated in a string":  {`{"resourceType":"Bun`, ReasonTruncated, ""},
		"not UTF-8":              {"{\"resourceType\":\"Bundle\xff\"}", ReasonUnreadableEncoding, ""},
		"too deep":               {strings.Repeat(`[`, 10_000) + strings.Repeat(`]`, 10_000), ReasonTooDeep, ""},
		"too deep in a resource": {transaction(a, about(`,"x":`+strings.Repeat(`[`, 98)+strings.Repeat(`]`, 98))), ReasonTooDeep, ""},
		"a list":                 {` []`, ReasonNotBundle, ""},
		"another resource":       {`{"resourceType":"Patient"}`, ReasonNotBundle, ""},
		"no type":                {`{"resourceType":"Bundle"}`, ReasonNotTransaction, "Bundle.type"},
		"batch":                  {`{"resourceType":"Bundle","type":"batch","entry":[]}`, ReasonNotTransaction, "Bundle.type"},
		"collection":             {`{"resourceType":"Bundle","type":"collection"}`, ReasonNotTransaction, "Bundle.type"},
		"no entries":             {transaction(), ReasonEmpty, "Bundle.entry"},
		"entries missing":        {`{"resourceType":"Bundle","type":"transaction"}`, ReasonEmpty, "Bundle.entry"},
		"entries null":           {`{"resourceType":"Bundle","type":"transaction","entry":null}`, ReasonEmpty, "Bundle.entry"},
		"entries no list":        {`{"resourceType":"Bundle","type":"transaction","entry":{}}`, ReasonStructure, "Bundle.entry"},
		"bad timestamp":          {`{"resourceType":"Bundle","type":"transaction","timestamp":"now","entry":[]}`, ReasonDate, "Bundle.timestamp"},
		"entry no object":        {transaction(`5`), ReasonStructure, "Bundle.entry[0]"},
		"entry null":             {transaction(a, `null`), ReasonStructure, "Bundle.entry[1]"},
		"request null":           {transaction(a, `{"request":null}`), ReasonNoRequest, "Bundle.entry[1].request"},
		"request a list":         {transaction(a, `{"request":[]}`), ReasonStructure, "Bundle.entry[1].request"},
		"URL an object":          {transaction(a, `{"request":{"method":"PUT","url":{}}}`), ReasonStructure, "Bundle.entry[1].request.url"},
		"no request":             {transaction(`{"resource":` + patient("p", numberA) + `}`), ReasonNoRequest, "Bundle.entry[0].request"},
		"no method":              {transaction(`{"request":{"url":"Patient/p"}}`), ReasonNoRequest, "Bundle.entry[0].request.method"},
		"GET":                    {transaction(a, send("GET", "Patient/p", "", "")), ReasonMethod, "Bundle.entry[1].request.method"},
		"PATCH":                  {transaction(a, send("PATCH", "Patient/p", "", "")), ReasonMethod, "Bundle.entry[1].request.method"},
		"HEAD":                   {transaction(a, send("HEAD", "Patient/p", "", "")), ReasonMethod, "Bundle.entry[1].request.method"},
		"method in lower case":   {transaction(send("put", "Patient/p", "", patient("p", numberA))), ReasonMethod, "Bundle.entry[0].request.method"},
		"conditional update":     {transaction(a, send("PUT", "Condition?identifier=a|b", "", condition0)), ReasonConditionalUpdate, "Bundle.entry[1].request.url"},
		"conditional delete":     {transaction(a, send("DELETE", "Condition?code=1", "", "")), ReasonConditionalDelete, "Bundle.entry[1].request.url"},
		"ifMatch":                {transaction(a, conditional("PUT", "Condition/c", `"ifMatch":"W/\"1\""`)), ReasonConditionalUpdate, "Bundle.entry[1].request.ifMatch"},
		"ifNoneMatch":            {transaction(a, conditional("POST", "Condition", `"ifNoneMatch":"*"`)), ReasonConditionalCreate, "Bundle.entry[1].request.ifNoneMatch"},
		"ifModifiedSince":        {transaction(a, conditional("DELETE", "Condition/c", `"ifModifiedSince":"2020-01-01"`)), ReasonConditionalDelete, "Bundle.entry[1].request.ifModifiedSince"},
		"ifNoneExist on PUT":     {transaction(a, conditional("PUT", "Condition/c", `"ifNoneExist":"identifier=a|b"`)), ReasonConditionalUpdate, "Bundle.entry[1].request.ifNoneExist"},
		"POST to Type/id":        {transaction(a, send("POST", "Condition/c", "", condition0)), ReasonURL, "Bundle.entry[1].request.url"},
		"POST with a query":      {transaction(a, send("POST", "Condition?x=y", "", condition0)), ReasonURL, "Bundle.entry[1].request.url"},
		"PUT to a type":          {transaction(a, send("PUT", "Condition", "", condition0)), ReasonID, "Bundle.entry[1].request.url"},
		"PUT to no type":         {transaction(a, send("PUT", "Patiant/c", "", condition0)), ReasonURL, "Bundle.entry[1].request.url"},
		"PUT to a URL":           {transaction(a, send("PUT", "https://x/Condition/c", "", condition0)), ReasonURL, "Bundle.entry[1].request.url"},
		"PUT to a bad id":        {transaction(a, send("PUT", "Condition/c/d", "", condition0)), ReasonID, "Bundle.entry[1].request.url"},
		"PUT to a long id":       {transaction(a, send("PUT", "Condition/"+strings.Repeat("c", 129), "", condition0)), ReasonID, "Bundle.entry[1].request.url"},
		"DELETE of a type":       {transaction(a, send("DELETE", "Condition", "", "")), ReasonID, "Bundle.entry[1].request.url"},
		"PUT without resource":   {transaction(a, send("PUT", "Condition/c", "", "")), ReasonNoResource, "Bundle.entry[1].resource"},
		"PUT of null":            {transaction(a, send("PUT", "Condition/c", "", "null")), ReasonNoResource, "Bundle.entry[1].resource"},
		"POST without resource":  {transaction(a, send("POST", "Condition", "", "")), ReasonNoResource, "Bundle.entry[1].resource"},
		"resource of no type":    {transaction(a, send("PUT", "Condition/c", "", `{"id":"c"}`)), ReasonWrongType, "Bundle.entry[1].resource.resourceType"},
		"resource of bad type":   {transaction(a, send("PUT", "Condition/c", "", `{"resourceType":"Konditie","id":"c"}`)), ReasonWrongType, "Bundle.entry[1].resource.resourceType"},
		"resource of other type": {transaction(a, send("PUT", "Procedure/c", "", condition0)), ReasonWrongType, "Bundle.entry[1].resource.resourceType"},
		"resource of other id":   {transaction(a, send("PUT", "Condition/d", "", condition0)), ReasonID, "Bundle.entry[1].resource.id"},
		"resource without id":    {transaction(a, send("PUT", "Condition/d", "", `{"resourceType":"Condition"}`)), ReasonID, "Bundle.entry[1].resource.id"},
		"resource a list":        {transaction(a, send("PUT", "Condition/d", "", `[]`)), ReasonWrongType, "Bundle.entry[1].resource.resourceType"},
		"claim":                  {transaction(a, put(`{"resourceType":"Claim","id":"x"}`)), ReasonUnsupportedType, "Bundle.entry[1]"},
		"explanation of benefit": {transaction(a, send("DELETE", "ExplanationOfBenefit/x", "", "")), ReasonUnsupportedType, "Bundle.entry[1]"},
		"bad date":               {transaction(a, about(`,"onsetDateTime":"30/02/2020"`)), ReasonDate, "Bundle.entry[1].resource.onsetDateTime"},
		"impossible date":        {transaction(a, about(`,"recordedDate":"2020-02-30"`)), ReasonDate, "Bundle.entry[1].resource.recordedDate"},
		"bad shape":              {transaction(a, about(`,"code":{"coding":[{"code":{}}]}`)), ReasonStructure, "Bundle.entry[1].resource.code.coding.code"},
		"duplicate fullUrl":      {transaction(send("POST", "Patient", "urn:uuid:1", patient("p", numberA)), send("POST", "Condition", "urn:uuid:1", condition("c", ref("urn:uuid:1")))), ReasonDuplicateFullURL, "Bundle.entry[1].fullUrl"},
		"one resource twice":     {transaction(a, about(""), about("")), ReasonDuplicateResource, "Bundle.entry[2]"},
		"PUT and DELETE of one":  {transaction(a, about(""), send("DELETE", "Condition/c", "", "")), ReasonDuplicateResource, "Bundle.entry[2]"},
		"no NHS number":          {transaction(put(`{"resourceType":"Patient","id":"p"}`)), ReasonNoNHSNumber, "Bundle.entry[0].resource.identifier"},
		"number of other system": {transaction(put(`{"resourceType":"Patient","id":"p","identifier":[{"system":"x","value":"9990002673"}]}`)), ReasonNoNHSNumber, "Bundle.entry[0].resource.identifier"},
		"only an old number":     {transaction(put(`{"resourceType":"Patient","id":"p","identifier":[{"use":"old","system":"https://fhir.nhs.uk/Id/nhs-number","value":"9990002673"}]}`)), ReasonNoNHSNumber, "Bundle.entry[0].resource.identifier"},
		"invalid NHS number":     {transaction(put(patient("p", "9990002674"))), ReasonInvalidNHSNumber, "Bundle.entry[0].resource.identifier[0].value"},
		"short NHS number":       {transaction(put(patient("p", "999000267"))), ReasonInvalidNHSNumber, "Bundle.entry[0].resource.identifier[0].value"},
		"ten equal digits":       {transaction(put(patient("p", "9999999999"))), ReasonInvalidNHSNumber, "Bundle.entry[0].resource.identifier[0].value"},
		"two NHS numbers":        {transaction(put(`{"resourceType":"Patient","id":"p","identifier":[{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"` + numberA + `"},{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"` + numberB + `"}]}`)), ReasonSeveralNHSNumbers, "Bundle.entry[0].resource.identifier[1].value"},
		"two patients":           {transaction(a, put(patient("q", numberB))), ReasonTwoPatients, "Bundle.entry[1].resource"},
		"one patient twice":      {transaction(a, put(patient("q", numberA))), ReasonTwoPatients, "Bundle.entry[1].resource"},
		"no subject":             {transaction(a, put(`{"resourceType":"Observation","id":"o"}`)), ReasonNoSubject, "Bundle.entry[1].resource"},
		"subject in words":       {transaction(a, put(condition("c", `{"display":"Mr Tester"}`))), ReasonNoSubject, "Bundle.entry[1].resource"},
		"other subject":          {transaction(a, put(condition("c", byNHSNumber(numberB)))), ReasonSubjectOther, "Bundle.entry[1].resource.subject"},
		"reference and number":   {transaction(a, put(condition("c", `{"reference":"Patient/p","identifier":{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"`+numberB+`"}}`))), ReasonSubjectOther, "Bundle.entry[1].resource.subject"},
		"two subjects, no patient": {transaction(put(condition("c", byNHSNumber(numberA))), put(condition("d", byNHSNumber(numberB)))), ReasonSubjectOther,
			"Bundle.entry[1].resource.subject"},
		"subject a bad number":    {transaction(a, put(condition("c", byNHSNumber("9990002674")))), ReasonInvalidNHSNumber, "Bundle.entry[1].resource.subject.identifier.value"},
		"subject a local number":  {transaction(a, put(condition("c", `{"identifier":{"system":"x","value":"1"}}`))), ReasonSubjectUnknown, "Bundle.entry[1].resource.subject.identifier"},
		"subject a group":         {transaction(a, put(condition("c", ref("Group/g")))), ReasonSubjectNotPatient, "Bundle.entry[1].resource.subject.reference"},
		"subject a condition":     {transaction(a, about(""), put(condition("d", ref("Condition/c")))), ReasonSubjectNotPatient, "Bundle.entry[2].resource.subject.reference"},
		"subject a foreign URL":   {transaction(a, put(condition("c", ref("https://x/Patient/p")))), ReasonSubjectUnknown, "Bundle.entry[1].resource.subject.reference"},
		"subject a lost urn:uuid": {transaction(a, put(condition("c", ref("urn:uuid:lost")))), ReasonReference, "Bundle.entry[1].resource.subject.reference"},
		"specimen of another":     {transaction(a, put(`{"resourceType":"Specimen","id":"s","subject":`+byNHSNumber(numberB)+`}`)), ReasonSubjectOther, "Bundle.entry[1].resource.subject"},
		"patient of another":      {transaction(a, put(`{"resourceType":"AllergyIntolerance","id":"s","patient":`+byNHSNumber(numberB)+`}`)), ReasonSubjectOther, "Bundle.entry[1].resource.patient"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := Decode([]byte(c.body), Options{Limits: Standard()})
			wantRefusal(t, err, c.reason, c.expression)
		})
	}
}

const condition0 = `{"resourceType":"Condition","id":"c","subject":{"reference":"Patient/p"}}`

func TestLimits(t *testing.T) {
	entries := []string{put(patient("p", numberA))}
	for len(entries) < 5000 {
		entries = append(entries, put(condition("c"+strings.Repeat("x", len(entries)%50)+string(rune('a'+len(entries)/50%26))+string(rune('a'+len(entries)/1300)), ref("Patient/p"))))
	}
	if b := decode(t, transaction(entries...)); len(b.Changes) != 5000 || b.Entries != 5000 {
		t.Errorf("%d changes of %d entries, want 5000", len(b.Changes), b.Entries)
	}
	_, err := Decode([]byte(transaction(append(entries, put(condition("one-more", ref("Patient/p"))))...)), Options{Limits: Standard()})
	wantRefusal(t, err, ReasonTooManyEntries, "Bundle.entry")
	if b := decode(t, transaction(entries[0])); len(b.Changes) != 1 {
		t.Errorf("%d changes of one entry", len(b.Changes))
	}
	body := transaction(entries[0])
	exact := Options{Limits: Limits{Bytes: len(body), Entries: 1, Depth: 8}}
	if _, err := Decode([]byte(body), exact); err != nil {
		t.Errorf("a bundle at its limit: %v", err)
	}
	_, err = Decode([]byte(body+" "), exact)
	wantRefusal(t, err, ReasonTooLarge, "")
}

func TestSettleRefuses(t *testing.T) {
	a := put(patient("p", numberA))
	key := func(resourceType, id string) Key { return Key{Type: resourceType, ID: id} }
	cases := map[string]struct {
		body       string
		known      map[Key]Stored
		reason     Reason
		expression string
	}{
		"unmatched urn:uuid": {
			transaction(a, put(`{"resourceType":"Condition","id":"c","subject":{"reference":"Patient/p"},"encounter":{"reference":"urn:uuid:lost"}}`)), nil,
			ReasonReference, "Bundle.entry[1].resource.encounter.reference",
		},
		"unmatched urn:uuid in a list": {
			transaction(a, put(`{"resourceType":"Condition","id":"c","subject":{"reference":"Patient/p"},"evidence":[{"detail":[{},{"reference":"urn:oid:1.2"}]}]}`)), nil,
			ReasonReference, "Bundle.entry[1].resource.evidence[0].detail[1].reference",
		},
		"subject never sent": {transaction(put(condition("c", ref("Patient/p")))), nil, ReasonSubjectUnknown, "Bundle.entry[0].resource.subject.reference"},
		"subject never sent beside a patient": {
			transaction(a, put(condition("c", ref("Patient/other")))), nil, ReasonSubjectUnknown, "Bundle.entry[1].resource.subject.reference",
		},
		"stored subject of another": {
			transaction(a, put(condition("c", ref("Patient/other")))), map[Key]Stored{key("Patient", "other"): {NHSNumber: numberB}},
			ReasonSubjectOther, "Bundle.entry[1].resource.subject.reference",
		},
		"two stored subjects": {
			transaction(put(condition("c", ref("Patient/p"))), put(condition("d", ref("Patient/q")))),
			map[Key]Stored{key("Patient", "p"): {NHSNumber: numberA}, key("Patient", "q"): {NHSNumber: numberB}},
			ReasonSubjectOther, "Bundle.entry[1].resource.subject.reference",
		},
		"reference to one, number of another": {
			transaction(put(condition("c", `{"reference":"Patient/p","identifier":{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"`+numberA+`"}}`))),
			map[Key]Stored{key("Patient", "p"): {NHSNumber: numberB}}, ReasonSubjectOther, "Bundle.entry[0].resource.subject.reference",
		},
		"nobody":                  {transaction(put(`{"resourceType":"Practitioner","id":"x"}`)), nil, ReasonNoPatient, "Bundle"},
		"deletion of the unknown": {transaction(send("DELETE", "Condition/c", "", "")), nil, ReasonNoPatient, "Bundle"},
		"deletion of another's": {
			transaction(a, send("DELETE", "Condition/c", "", "")), map[Key]Stored{key("Condition", "c"): {NHSNumber: numberB}},
			ReasonResourceOfAnother, "Bundle.entry[1]",
		},
		"deletions of two people's": {
			transaction(send("DELETE", "Condition/c", "", ""), send("DELETE", "Condition/d", "", "")),
			map[Key]Stored{key("Condition", "c"): {NHSNumber: numberA}, key("Condition", "d"): {NHSNumber: numberB}}, ReasonResourceOfAnother, "Bundle.entry[1]",
		},
		"another's resource": {
			transaction(a, put(condition("c", ref("Patient/p")))), map[Key]Stored{key("Condition", "c"): {NHSNumber: numberB}},
			ReasonResourceOfAnother, "Bundle.entry[1]",
		},
		"another's patient": {transaction(a), map[Key]Stored{key("Patient", "p"): {NHSNumber: numberB}}, ReasonResourceOfAnother, "Bundle.entry[0]"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := decode(t, c.body).Settle(c.known)
			wantRefusal(t, err, c.reason, c.expression)
		})
	}
}
