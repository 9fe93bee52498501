// Package httphandler is a worker.Handler that posts each message to a web
// service as a CloudEvent over HTTP in binary mode.
//
// The answer's status decides what becomes of the message:
//
//	2xx                  done
//	408, 425, 429        retried, after Retry-After where it is given
//	other 4xx            failed at once: no repetition would help
//	5xx, 3xx, no answer  retried (Retry-After is honoured here too)
//
// Retries count as attempts. The request carries, beside the CloudEvent's ce-
// headers, the attempt in ce-attempts (failed attempts before this one) and, at an
// exclusive queue, a number in ce-fence that grows with each run.
package httphandler

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"
)

// Config says where messages are posted to.
type Config struct {
	// URL receives the POST requests: http or https. Required.
	URL string
	// Source is the source of events that carry none. Default "asyncqueue".
	Source string
	// Concurrency is how many requests run at once; as many connections are
	// kept open. Default 10.
	Concurrency int
	// Client makes the requests. Default: a client of its own, without a limit
	// on the time of an answer, since a run may outlive its handle timeout.
	Client *http.Client
}

func (c *Config) setDefaults() {
	if c.Source == "" {
		c.Source = "asyncqueue"
	}
	if c.Concurrency == 0 {
		c.Concurrency = 10
	}
	if c.Client == nil {
		c.Client = newClient(c.Concurrency)
	}
}

func (c *Config) validate() error {
	u, err := url.Parse(c.URL)
	if err != nil {
		return fmt.Errorf("Config.URL must be an address: %w", err)
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return errors.New("Config.URL must begin with http:// or https://")
	}
	return nil
}

func newClient(concurrency int) *http.Client {
	dialer := &net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second}
	return &http.Client{
		Transport: &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           dialer.DialContext,
			TLSHandshakeTimeout:   5 * time.Second,
			MaxIdleConns:          concurrency,
			MaxIdleConnsPerHost:   concurrency,
			IdleConnTimeout:       90 * time.Second,
			ExpectContinueTimeout: time.Second,
			ForceAttemptHTTP2:     true,
		},
		// A redirect would repeat the POST as a GET.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
