package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/asyncqueue/operator/controllers/connect"
	"github.com/asyncqueue/operator/internal/version"
)

// options is what the command line says.
type options struct {
	fallback      connect.Default
	workerImage   string
	pollInterval  time.Duration
	scaleInWindow time.Duration
	namespaces    namespaces

	leaderElect       bool
	electionNamespace string
	metricsAddress    string
	metricsSecure     bool
	probeAddress      string
	pprofAddress      string
	logLevel          slog.Level
	version           bool
}

// Limits of the flags.
const (
	shortestPoll  = 100 * time.Millisecond
	longestPoll   = time.Minute
	longestWindow = time.Hour
)

// flags describes the command line; parsing it fills o.
func flags(o *options) *flag.FlagSet {
	fs := flag.NewFlagSet("manager", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.StringVar(&o.fallback.URL, "default-redis", "", "`URL` of the Redis of queues that name none: redis://host:port/database, redis-sentinel://host:port,.../database?master=name or redis-cluster://host:port,..., rediss for TLS, without credentials")
	fs.StringVar(&o.fallback.CredentialsDir, "default-redis-credentials-dir", "", "`folder` with the files username and password, with which the operator itself opens the default Redis")
	fs.StringVar(&o.fallback.SentinelCredentialsDir, "default-redis-sentinel-credentials-dir", "", "`folder` with the files username and password, with which the operator itself asks the sentinels of the default Redis")
	fs.StringVar(&o.workerImage, "worker-image", "asyncqueue/worker:"+version.Version, "`image` of workers whose queue names none, and of reload jobs")
	fs.DurationVar(&o.pollInterval, "poll-interval", time.Second, "time between two looks at a Redis")
	fs.DurationVar(&o.scaleInWindow, "scale-in-window", 10*time.Second, "how long fewer workers must do before a queue scales in")
	fs.Var(&o.namespaces, "watch-namespaces", "the only `namespaces` to care for, such as team-a,team-b: the manager needs rights in these alone (default all)")
	fs.BoolVar(&o.leaderElect, "leader-elect", false, "let one of several managers be active")
	fs.StringVar(&o.electionNamespace, "leader-election-namespace", "", "`namespace` of the lease (default that of the pod)")
	fs.StringVar(&o.metricsAddress, "metrics-bind-address", ":8443", "`address` of /metrics; 0 turns it off")
	fs.BoolVar(&o.metricsSecure, "metrics-secure", true, "serve /metrics over TLS to those who may read it; false: to everybody")
	fs.StringVar(&o.probeAddress, "health-probe-bind-address", ":8081", "`address` of /healthz and /readyz; 0 turns it off")
	fs.StringVar(&o.pprofAddress, "pprof-bind-address", "0", "`address` of /debug/pprof, for whoever can reach it; 0 turns it off")
	fs.TextVar(&o.logLevel, "log-level", slog.LevelInfo, "least `level` to log: debug, info, warn or error")
	fs.BoolVar(&o.version, "version", false, "print the version and end")
	return fs
}

// parse reads and checks the command line. The error is one line that names the
// flag.
func parse(args []string) (options, error) {
	var o options
	fs := flags(&o)
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	if fs.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	return o, o.validate()
}

func (o *options) validate() error {
	return cmp.Or(
		about("default-redis", o.fallback.Validate()),
		about("worker-image", isImage(o.workerImage)),
		about("poll-interval", between(o.pollInterval, shortestPoll, longestPoll)),
		about("scale-in-window", between(o.scaleInWindow, 0, longestWindow)),
		about("leader-election-namespace", isNamespace(o.electionNamespace)),
		about("metrics-bind-address", isAddress(o.metricsAddress)),
		about("health-probe-bind-address", isAddress(o.probeAddress)),
		about("pprof-bind-address", isAddress(o.pprofAddress)),
	)
}

func about(flagName string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("flag --%s: %w", flagName, err)
}

func isImage(image string) error {
	if image == "" || strings.ContainsAny(image, " \t\n") {
		return errors.New("want the name of an image")
	}
	return nil
}

func between(d, least, most time.Duration) error {
	if d < least || d > most {
		return fmt.Errorf("want a duration from %s to %s, not %s", least, most, d)
	}
	return nil
}

// namespaces is a list with commas.
type namespaces []string

// String implements flag.Value.
func (n *namespaces) String() string { return strings.Join(*n, ",") }

// Set implements flag.Value.
func (n *namespaces) Set(text string) error {
	*n = nil
	for name := range strings.SplitSeq(text, ",") {
		name = strings.TrimSpace(name)
		if name == "" {
			return errors.New("want names with commas between them, such as team-a,team-b")
		}
		if err := isNamespace(name); err != nil {
			return err
		}
		if !slices.Contains(*n, name) {
			*n = append(*n, name)
		}
	}
	return nil
}

func isNamespace(name string) error {
	if name == "" {
		return nil
	}
	if problems := validation.IsDNS1123Label(name); len(problems) > 0 {
		return fmt.Errorf("%q is no name of a namespace", name)
	}
	return nil
}

func isAddress(address string) error {
	if address == "0" {
		return nil
	}
	_, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return fmt.Errorf("want host:port or :port, not %q", address)
	}
	return nil
}

// usage is what --help prints.
func usage() string {
	var o options
	var text strings.Builder
	text.WriteString("manager runs the AsyncQueue operator.\n\nFlags:\n")
	fs := flags(&o)
	fs.SetOutput(&text)
	fs.PrintDefaults()
	return text.String()
}
