package telemetry

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
)

// Config says what a process tells about itself, and to whom.
type Config struct {
	LogLevel     string  `name:"log-level" env:"DCR_LOG_LEVEL" enum:"debug,info,warn,error" default:"info" help:"Least level that is logged: ${enum}."`
	OpsListen    string  `name:"ops-listen" env:"DCR_OPS_LISTEN" help:"Address of the operators' HTTP listener (/metrics, /livez, /readyz); none when empty."`
	OTLPEndpoint string  `name:"otlp-endpoint" env:"DCR_OTLP_ENDPOINT" help:"OTLP collector for traces: grpcs://host:4317, https://host:4318, or grpc:// and http:// with DCR_OTLP_INSECURE. No traces leave when empty."`
	OTLPInsecure bool    `name:"otlp-insecure" env:"DCR_OTLP_INSECURE" help:"Allow a collector without TLS; needed for grpc:// and http://, wrong with the others."`
	OTLPCAFile   string  `name:"otlp-ca-file" env:"DCR_OTLP_CA_FILE" help:"PEM authorities of the collector; the system's when empty."`
	TraceRatio   float64 `name:"trace-ratio" env:"DCR_TRACE_RATIO" default:"1" help:"Share of new traces that are exported, 0 to 1."`
	Instance     string  `name:"service-instance" env:"DCR_SERVICE_INSTANCE" help:"Name of this replica; the host's name when empty."`

	// Service and Version name the program.
	Service string `kong:"-"`
	Version string `kong:"-"`
	// Output takes the log; standard error when nil.
	Output io.Writer `kong:"-"`
}

// check refuses what is wrong or half present, naming the setting.
func (c Config) check() error {
	if c.Service == "" {
		return errors.New("the service has no name")
	}
	if c.TraceRatio < 0 || c.TraceRatio > 1 {
		return errors.New("DCR_TRACE_RATIO is not between 0 and 1")
	}
	if c.OTLPEndpoint == "" {
		if c.OTLPInsecure || c.OTLPCAFile != "" {
			return errors.New("DCR_OTLP_ENDPOINT is empty, yet DCR_OTLP_INSECURE or DCR_OTLP_CA_FILE is set")
		}
		return nil
	}
	_, err := c.collector()
	return err
}

// level is the least level that is logged.
func (c Config) level() (slog.Level, error) {
	var l slog.Level
	if c.LogLevel == "" {
		return slog.LevelInfo, nil
	}
	if err := l.UnmarshalText([]byte(c.LogLevel)); err != nil {
		return l, fmt.Errorf("DCR_LOG_LEVEL: %w", err)
	}
	return l, nil
}

// collector is the endpoint, taken apart. Its scheme must agree with what the
// other settings say about TLS, so that nobody sends in the clear by accident.
type collector struct {
	url    *url.URL
	grpc   bool
	secure bool
}

func (c Config) collector() (collector, error) {
	u, err := url.Parse(c.OTLPEndpoint)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" {
		return collector{}, errors.New("DCR_OTLP_ENDPOINT is no URL of scheme, host and port")
	}
	to := collector{url: u}
	switch u.Scheme {
	case "grpcs", "grpc":
		to.grpc, to.secure = true, u.Scheme == "grpcs"
		if u.Path != "" && u.Path != "/" {
			return collector{}, errors.New("DCR_OTLP_ENDPOINT: a gRPC collector has no path")
		}
	case "https", "http":
		to.secure = u.Scheme == "https"
	default:
		return collector{}, errors.New("DCR_OTLP_ENDPOINT: the scheme is not one of grpcs, grpc, https, http")
	}
	switch {
	case !to.secure && !c.OTLPInsecure:
		return collector{}, errors.New("DCR_OTLP_ENDPOINT is without TLS; say DCR_OTLP_INSECURE=true if that is meant")
	case to.secure && c.OTLPInsecure:
		return collector{}, errors.New("DCR_OTLP_ENDPOINT is with TLS, yet DCR_OTLP_INSECURE is set")
	case !to.secure && c.OTLPCAFile != "":
		return collector{}, errors.New("DCR_OTLP_ENDPOINT is without TLS, yet DCR_OTLP_CA_FILE is set")
	}
	return to, nil
}
