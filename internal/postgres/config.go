package postgres

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/lib/pq"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"
)

// Values for what a Config leaves out. The pool is small on purpose: a database serves best with a few
// busy connections per core, and every replica of every service brings its own.
const (
	defaultStatementTimeout = 5 * time.Second
	defaultConnectTimeout   = 5 * time.Second
	defaultMaxConnections   = 16
	connectionLifetime      = 30 * time.Minute // spreads connections again after a failover
	connectionIdleTime      = 5 * time.Minute
	// idleInTransaction ends the transaction of a frozen replica, whose row locks stop all others.
	idleInTransaction = 30 * time.Second
)

// Config is a service's connection to PostgreSQL. Its zero values mean the defaults.
type Config struct {
	// URL is postgres://role:password@host:port/database?sslmode=… . sslmode must be there and be one of
	// verify-full, verify-ca, require or disable, except for a unix socket. Several hosts
	// (postgres://role:password@/database?host=a,b&port=5432,5432) need target_session_attrs=read-write and
	// a server with synchronous replication (DESIGN section 6).
	URL string `name:"database-url" env:"DCR_DATABASE_URL" required:"" help:"PostgreSQL URL of the application role; sslmode must be given."`
	// StatementTimeout is enforced by the server on every statement.
	StatementTimeout time.Duration `name:"database-statement-timeout" env:"DCR_DATABASE_STATEMENT_TIMEOUT" default:"5s" help:"Longest time that one SQL statement may take."`
	// ConnectTimeout bounds the whole of making one connection, per host.
	ConnectTimeout time.Duration `name:"database-connect-timeout" env:"DCR_DATABASE_CONNECT_TIMEOUT" default:"5s" help:"Longest time that connecting may take, per host."`
	// MaxConnections is the size of the pool.
	MaxConnections int `name:"database-max-connections" env:"DCR_DATABASE_MAX_CONNECTIONS" default:"16" help:"Connections that this process keeps at most."`

	// Schema that the role must work in, as the service knows it; not checked when empty.
	Schema string `kong:"-"`
	// TracerProvider and MeterProvider receive spans and metrics; nil means the process-wide ones.
	TracerProvider trace.TracerProvider `kong:"-"`
	MeterProvider  metric.MeterProvider `kong:"-"`
}

// withDefaults fills in what was left out.
func (c Config) withDefaults() Config {
	if c.StatementTimeout <= 0 {
		c.StatementTimeout = defaultStatementTimeout
	}
	if c.ConnectTimeout <= 0 {
		c.ConnectTimeout = defaultConnectTimeout
	}
	if c.MaxConnections <= 0 {
		c.MaxConnections = defaultMaxConnections
	}
	return c
}

// driverConfig reads a URL and refuses what would connect in a way that nobody chose. Errors never
// repeat the URL, which holds a password; so the driver's own error is not wrapped.
func driverConfig(databaseURL string) (pq.Config, error) {
	if !strings.HasPrefix(databaseURL, "postgres://") && !strings.HasPrefix(databaseURL, "postgresql://") {
		return pq.Config{}, errors.New("database URL must begin with postgres://")
	}
	_, query, _ := strings.Cut(databaseURL, "?")
	options, err := url.ParseQuery(query)
	if err != nil {
		return pq.Config{}, errors.New("database URL has malformed options")
	}
	cfg, err := pq.NewConfig(databaseURL)
	if err != nil {
		return pq.Config{}, errors.New("database URL is malformed")
	}
	if err := checkTransport(cfg, options); err != nil {
		return pq.Config{}, err
	}
	if len(cfg.Multi) > 0 && strings.Contains(cfg.Host, ":") && net.ParseIP(cfg.Host) == nil {
		return pq.Config{}, errors.New("database URL: write several hosts as options, ?host=a,b&port=5432,5432")
	}
	if len(cfg.Multi) > 0 && cfg.TargetSessionAttrs != pq.TargetSessionAttrsReadWrite && cfg.TargetSessionAttrs != pq.TargetSessionAttrsPrimary {
		return pq.Config{}, errors.New("database URL with several hosts needs target_session_attrs=read-write: a replica may be stale")
	}
	if cfg.Runtime == nil {
		cfg.Runtime = map[string]string{}
	}
	return cfg, nil
}

// checkTransport wants encryption, or its absence, to be somebody's written choice. allow and prefer
// are no choice: they fall back to plain text when an attacker says so.
func checkTransport(cfg pq.Config, options url.Values) error {
	if onlySockets(cfg) {
		return nil
	}
	switch mode := options.Get("sslmode"); mode {
	case "verify-full", "verify-ca", "require", "disable":
		return nil
	case "":
		return errors.New("database URL must say sslmode (verify-full; disable only on loopback)")
	default:
		return fmt.Errorf("database URL: sslmode %s is not accepted: use verify-full, verify-ca, require or disable", strconv.Quote(mode))
	}
}

// onlySockets tells whether every host is a unix socket, where TLS has no meaning.
func onlySockets(cfg pq.Config) bool {
	socket := func(host string) bool { return strings.HasPrefix(host, "/") || strings.HasPrefix(host, "@") }
	for _, other := range cfg.Multi {
		if !socket(other.Host) {
			return false
		}
	}
	return socket(cfg.Host)
}

// milliseconds is a duration as PostgreSQL's settings take it.
func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }
