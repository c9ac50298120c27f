package telemetry

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"google.golang.org/grpc/credentials"
)

// newExporter connects in the background: a collector that is down delays
// neither the start nor any call.
func newExporter(ctx context.Context, cfg Config) (*otlptrace.Exporter, error) {
	to, err := cfg.collector()
	if err != nil {
		return nil, err
	}
	conf, err := cfg.collectorTLS()
	if err != nil {
		return nil, err
	}
	if to.grpc {
		return grpcExporter(ctx, to, conf)
	}
	return httpExporter(ctx, to, conf)
}

func grpcExporter(ctx context.Context, to collector, conf *tls.Config) (*otlptrace.Exporter, error) {
	security := otlptracegrpc.WithInsecure()
	if to.secure {
		security = otlptracegrpc.WithTLSCredentials(credentials.NewTLS(conf))
	}
	e, err := otlptracegrpc.New(ctx, otlptracegrpc.WithEndpoint(to.url.Host), security)
	if err != nil {
		return nil, fmt.Errorf("make OTLP exporter: %w", err)
	}
	return e, nil
}

func httpExporter(ctx context.Context, to collector, conf *tls.Config) (*otlptrace.Exporter, error) {
	security := otlptracehttp.WithInsecure()
	if to.secure {
		security = otlptracehttp.WithTLSClientConfig(conf)
	}
	options := []otlptracehttp.Option{otlptracehttp.WithEndpoint(to.url.Host), security}
	if to.url.Path != "" && to.url.Path != "/" {
		options = append(options, otlptracehttp.WithURLPath(to.url.Path))
	}
	e, err := otlptracehttp.New(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("make OTLP exporter: %w", err)
	}
	return e, nil
}

func (c Config) collectorTLS() (*tls.Config, error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.OTLPCAFile == "" {
		return conf, nil
	}
	pem, err := os.ReadFile(c.OTLPCAFile)
	if err != nil {
		return nil, fmt.Errorf("DCR_OTLP_CA_FILE: %w", err)
	}
	conf.RootCAs = x509.NewCertPool()
	if !conf.RootCAs.AppendCertsFromPEM(pem) {
		return nil, errors.New("DCR_OTLP_CA_FILE holds no certificate")
	}
	return conf, nil
}
