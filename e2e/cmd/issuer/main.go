// Command issuer serves the demonstration OpenID Connect issuer from a JSON file:
//
//	{"listen": "127.0.0.1:0", "cert_file": "...", "key_file": "...", "issuer": {"url": "https://...", ...}}
//
// "issuer" is issuer.Config. Without certificate files it serves plain HTTP, on loopback only. It stops on SIGTERM and
// on an interrupt.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/dorsetcarerecord/dcr/e2e/issuer"
)

// drainLimit is how long requests may take to finish once the process is told to stop.
const drainLimit = 5 * time.Second

type command struct {
	Config string `help:"JSON file with the configuration." required:"" type:"existingfile"`
}

// file is the configuration file.
type file struct {
	Listen   string        `json:"listen"`
	CertFile string        `json:"cert_file"`
	KeyFile  string        `json:"key_file"`
	Issuer   issuer.Config `json:"issuer"`
}

func main() {
	var cmd command
	kong.Parse(&cmd, kong.Description("Demonstration OpenID Connect issuer of the Dorset Care Record suite."))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	ready := func(address string) { log.Info("demonstration issuer is serving", "address", address) }
	if err := run(ctx, cmd.Config, log, ready); err != nil {
		log.Error("issuer stopped", "error", err)
		os.Exit(1)
	}
}

// run serves until ctx ends. It calls ready with the address once connections are taken.
func run(ctx context.Context, path string, log *slog.Logger, ready func(address string)) error {
	config, err := read(path)
	if err != nil {
		return err
	}
	config.Issuer.Log, config.Issuer.Now = log, time.Now
	served, err := issuer.New(config.Issuer)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", config.Listen) //nolint:noctx // an address of this machine: it takes no time
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	server := &http.Server{
		Handler:           served.Handler(),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      15 * time.Second,
		IdleTimeout:       time.Minute,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	done := make(chan error, 1)
	go func() { done <- serve(server, listener, config) }()
	ready(listener.Addr().String())
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.Background(), drainLimit)
	defer cancel()
	return errors.Join(server.Shutdown(drain), <-done)
}

func serve(server *http.Server, listener net.Listener, config file) error {
	var err error
	if config.CertFile != "" {
		err = server.ServeTLS(listener, config.CertFile, config.KeyFile)
	} else {
		err = server.Serve(listener)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve: %w", err)
}

// read decodes the file; a member that it does not know is refused, as it may be a misspelt one that matters.
func read(path string) (file, error) {
	text, err := os.Open(path)
	if err != nil {
		return file{}, fmt.Errorf("open configuration: %w", err)
	}
	defer text.Close()
	var config file
	decoder := json.NewDecoder(text)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&config); err != nil {
		return file{}, fmt.Errorf("decode configuration: %w", err)
	}
	if (config.CertFile == "") != (config.KeyFile == "") {
		return file{}, errors.New("configuration: cert_file and key_file come together")
	}
	if config.CertFile == "" && !loopback(config.Listen) {
		return file{}, errors.New("configuration: without a certificate only a loopback address is served")
	}
	return config, nil
}

func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	return err == nil && (host == "localhost" || net.ParseIP(host).IsLoopback())
}
