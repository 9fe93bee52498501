package workerenv

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Limits of the settings. LongestTime bounds each time.
const (
	MaxConcurrency = 10000
	LongestTime    = 7 * 24 * time.Hour
)

// Validate checks each value and what they mean together. It returns the first
// thing that is wrong, as an *Error. The choice of a handler is not checked: a
// program may bring its own.
func (s Settings) Validate() error {
	return firstOf(
		check(Redis, s.validateRedis()),
		check(Channel, required(s.Channel)),
		check(PopSeconds, within(s.Pop, time.Millisecond)),
		check(HandleSeconds, within(s.Handle, time.Millisecond)),
		check(DrainSeconds, within(s.Drain, 0)),
		check(RetrySeconds, eachWithin(s.Retry)),
		check(MaxAttempts, atLeast(s.MaxAttempts, 0)),
		check(Concurrency, atLeast(s.Concurrency, 1)),
		check(Concurrency, atMost(s.Concurrency, MaxConcurrency)),
		check(MaxMemoryPercent, atLeast(s.MaxMemoryPercent, 0)),
		check(MaxMemoryPercent, atMost(s.MaxMemoryPercent, 100)),
		check(Exclusive, s.validateExclusive()),
		check(MaxMessages, atLeast(s.MaxMessages, 0)),
		check(MaxMessageBytes, atLeast(s.MaxMessageBytes, 0)),
		check(MaxReloads, atLeast(s.MaxReloads, 0)),
		check(HTTPURL, validateHTTP(s.HTTPURL)),
		check(HTTPURL, s.handlerConflict()),
		check(RedisTLSCertFile, s.TLS.halfCertificate()),
	)
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func check(name string, err error) error {
	if err == nil {
		return nil
	}
	return &Error{Variable: Named(name), Err: err}
}

func required(text string) error {
	if text == "" {
		return errors.New("it must be set")
	}
	return nil
}

// redisSchemes are the forms of Redis URLs; what comes after the scheme is for
// the client to judge.
var redisSchemes = []string{
	"redis", "rediss", "redis-sentinel", "rediss-sentinel", "redis-cluster", "rediss-cluster",
}

// validateRedis never shows the URL: it may hold a password.
func (s Settings) validateRedis() error {
	if s.Redis == "" && s.CredentialsDir != "" {
		return nil // its file uri may say
	}
	if err := required(s.Redis); err != nil {
		return err
	}
	scheme, rest, found := strings.Cut(s.Redis, "://")
	if !found || !slices.Contains(redisSchemes, scheme) {
		return errors.New("want a URL that begins with redis:// or rediss://, as redis://host:6379/0")
	}
	if strings.Trim(rest, "/") == "" {
		return errors.New("want a host in the URL, as redis://host:6379/0")
	}
	return nil
}

func (s Settings) validateExclusive() error {
	if s.Exclusive && s.Concurrency != 1 {
		return fmt.Errorf("it needs --%s 1, not %d", Named(Concurrency).Flag(), s.Concurrency)
	}
	return nil
}

func validateHTTP(text string) error {
	if text == "" {
		return nil
	}
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return errors.New("want a URL that begins with http:// or https://")
	}
	return nil
}

func (s Settings) handlerConflict() error {
	if s.HTTPURL != "" && len(s.Exec) > 0 {
		return fmt.Errorf("it excludes --%s", Named(Exec).Flag())
	}
	return nil
}

func (t TLS) halfCertificate() error {
	if (t.CertFile == "") != (t.KeyFile == "") {
		return fmt.Errorf("it needs --%s, and the other way round", Named(RedisTLSKeyFile).Flag())
	}
	return nil
}

func within(d, least time.Duration) error {
	if d < least || d > LongestTime {
		return fmt.Errorf("want seconds from %s to %s, not %s", formatSeconds(least), formatSeconds(LongestTime), formatSeconds(d))
	}
	return nil
}

func eachWithin(list []time.Duration) error {
	for _, d := range list {
		if err := within(d, 0); err != nil {
			return err
		}
	}
	return nil
}

func atLeast(n, least int) error {
	if n < least {
		return fmt.Errorf("want at least %d, not %d", least, n)
	}
	return nil
}

func atMost(n, most int) error {
	if n > most {
		return fmt.Errorf("want at most %d, not %d", most, n)
	}
	return nil
}
