// Command tlog-oracle reads an audit log from outside with code that this project did not write: Tessera's client
// and fsck (C2SP tlog-tiles), the Merkle proofs of transparency-dev/merkle, the cosignatures of
// transparency-dev/formats. It is a module of its own outside the workspace, so that none of it becomes a part
// of the suite. `make test` runs it against a live gateway (e2e/blackbox).
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"time"

	"k8s.io/klog/v2"
)

func main() {
	var cfg Config
	address := flag.String("url", "", "URL above the log's checkpoint, such as https://gateway.example/tlog")
	ca := flag.String("ca-file", "", "PEM authorities of the gateway; the system's when left out")
	flag.StringVar(&cfg.Key, "key", "", "public key of the log, name+id+key")
	flag.StringVar(&cfg.WitnessKey, "witness-key", "", "public key of a witness that must have cosigned")
	flag.Parse()
	klog.LogToStderr(false)
	klog.SetOutput(io.Discard)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, cfg, *address, *ca); err != nil {
		fmt.Fprintln(os.Stderr, "tlog-oracle:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, cfg Config, address, ca string) error {
	var err error
	if cfg.URL, err = url.Parse(address); err != nil || cfg.URL.Host == "" {
		return errors.New("-url is like https://gateway.example/tlog")
	}
	if cfg.HTTP, err = httpClient(ca); err != nil {
		return err
	}
	report, err := Check(ctx, cfg)
	if err != nil {
		return err
	}
	fmt.Println(report)
	return nil
}

// httpClient believes the authorities of a PEM file.
func httpClient(ca string) (*http.Client, error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if ca != "" {
		pem, err := os.ReadFile(ca)
		if err != nil {
			return nil, fmt.Errorf("read authorities: %w", err)
		}
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s holds no certificate", ca)
		}
	}
	return &http.Client{Timeout: time.Minute, Transport: &http.Transport{TLSClientConfig: conf}}, nil
}
