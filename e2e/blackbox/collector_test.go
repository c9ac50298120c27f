package blackbox_test

import (
	"compress/gzip"
	"context"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	collectorv1 "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// exportLimit bounds one export that a test's process sends.
const exportLimit = 16 << 20

// collector takes the traces that the suite's processes export, over OTLP/HTTP.
type collector struct {
	url string

	mu    sync.Mutex
	raw   []byte // everything that was exported, as it came
	spans []span
}

// span is what the tests want to know of one.
type span struct {
	trace, name, service string
}

// collect starts a collector on a free port and stops it with the test.
func collect(t *testing.T) *collector {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &collector{url: "http://" + listener.Addr().String()}
	server := &http.Server{Handler: http.HandlerFunc(c.take), ReadHeaderTimeout: 5 * time.Second}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 5*time.Second)
		defer cancel()
		if err := server.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return c
}

func (c *collector) take(w http.ResponseWriter, r *http.Request) {
	body, err := exported(r)
	request := &collectorv1.ExportTraceServiceRequest{}
	if err == nil {
		err = proto.Unmarshal(body, request)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.raw = append(append(c.raw, body...), '\n')
	for _, resource := range request.GetResourceSpans() {
		c.keep(resource)
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
}

func exported(r *http.Request) ([]byte, error) {
	var from io.Reader = http.MaxBytesReader(nil, r.Body, exportLimit)
	if r.Header.Get("Content-Encoding") == "gzip" {
		unzipped, err := gzip.NewReader(from)
		if err != nil {
			return nil, err
		}
		from = unzipped
	}
	return io.ReadAll(io.LimitReader(from, exportLimit))
}

func (c *collector) keep(resource *tracev1.ResourceSpans) {
	service := ""
	for _, a := range resource.GetResource().GetAttributes() {
		if a.GetKey() == "service.name" {
			service = a.GetValue().GetStringValue()
		}
	}
	for _, scope := range resource.GetScopeSpans() {
		for _, one := range scope.GetSpans() {
			c.spans = append(c.spans, span{hex.EncodeToString(one.GetTraceId()), one.GetName(), service})
		}
	}
}

// of lists the spans of a trace.
func (c *collector) of(trace string) []span {
	c.mu.Lock()
	defer c.mu.Unlock()
	var found []span
	for _, one := range c.spans {
		if one.trace == trace {
			found = append(found, one)
		}
	}
	return found
}

// bytes of all exports.
func (c *collector) bytes() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]byte{}, c.raw...)
}
