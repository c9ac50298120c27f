// Package keep decides for how long the log keeps what. The rule is DOMAIN section 8, "at least as long as the
// record"; the numbers are data (retention.v1.yaml). It knows neither the database nor the clock.
package keep
