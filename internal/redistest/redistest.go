// Package redistest starts real Redis servers for tests: on a free loopback port, without any
// persistence, in a temporary folder, and gone when the test ends.
//
// The server is the program named by $REDIS_SERVER, or redis-server from PATH. Where there is none
// the test fails: a test that talks to Redis must not pass without one.
package redistest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// startTimeout bounds how long a server may take until it answers.
const startTimeout = 20 * time.Second

// Start returns the address of a Redis server that lives as long as the test. Arguments are
// settings as on redis-server's command line ("--maxmemory", "10mb").
func Start(t testing.TB, args ...string) string {
	t.Helper()
	server, err := Launch(t.TempDir(), args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	return server.Addr
}

var shared struct {
	once   sync.Once
	server *Server
	err    error
}

// Shared returns the address of one server for all tests of a package, which must use keys of
// their own. The package's TestMain has to call Main.
func Shared(t testing.TB) string {
	t.Helper()
	shared.once.Do(func() {
		dir, err := os.MkdirTemp("", "redistest") //nolint:usetesting // it outlives the test that asks first; Main removes it
		if err != nil {
			shared.err = err
			return
		}
		shared.server, shared.err = Launch(dir)
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.server.Addr
}

// Main runs the tests of a package and stops the shared server after them.
func Main(m *testing.M) {
	code := m.Run()
	if shared.server != nil {
		shared.server.Stop()
		_ = os.RemoveAll(shared.server.Dir)
	}
	sharedPlace.owner.end()
	os.Exit(code)
}

// Server is a running Redis server.
type Server struct {
	Addr string // host:port on loopback
	Dir  string // working folder; its log is redis.log

	program string
	options Options
	process *os.Process
	ended   chan struct{} // closed when the process is gone
}

// Options describe a server.
type Options struct {
	Dir  string   // working folder; required
	Args []string // settings as on redis-server's command line
	Env  []string // added to the environment of this process
}

// Launch starts a server that works in dir. The caller has to Stop it.
func Launch(dir string, args ...string) (*Server, error) {
	return LaunchWith(Options{Dir: dir, Args: args})
}

// LaunchWith starts a server. The caller has to Stop it.
func LaunchWith(o Options) (*Server, error) {
	program, err := findServer()
	if err != nil {
		return nil, err
	}
	var failures []error
	for range 5 { // the port is free when asked for, but may be taken by the time that it is used
		port, err := freePort()
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(filepath.Join(o.Dir, "redis.conf"), nil, 0o600); err != nil { // a sentinel keeps its state in it
			return nil, err
		}
		server := &Server{Addr: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), Dir: o.Dir, program: program, options: o}
		if err = server.launch(os.O_TRUNC); err == nil {
			return server, nil
		}
		failures = append(failures, err)
	}
	return nil, fmt.Errorf("starting %s: %w", program, errors.Join(failures...))
}

// Restart starts a stopped server again, under the same address and in the same folder, and returns
// when it has loaded its data. It must not be called while the server runs.
func (s *Server) Restart() error {
	if err := s.launch(os.O_APPEND); err != nil {
		return fmt.Errorf("starting %s again: %w", s.program, err)
	}
	return nil
}

// Stop kills the server and waits until it is gone. It may be called again.
func (s *Server) Stop() {
	_ = s.process.Kill()
	<-s.ended
}

// Signal sends a signal to the server, such as SIGSTOP.
func (s *Server) Signal(sig syscall.Signal) error { return s.process.Signal(sig) }

func findServer() (string, error) {
	if program := os.Getenv("REDIS_SERVER"); program != "" {
		return program, nil
	}
	program, err := exec.LookPath("redis-server")
	if err != nil {
		return "", fmt.Errorf("finding redis-server: %w: install it (apt-get install redis-server) or name it in $REDIS_SERVER", err)
	}
	return program, nil
}

// launch starts the process; the log is truncated or continued.
func (s *Server) launch(how int) error {
	log, err := os.OpenFile(filepath.Join(s.Dir, "redis.log"), os.O_CREATE|os.O_WRONLY|how, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	_, port, err := net.SplitHostPort(s.Addr)
	if err != nil {
		return err
	}
	settings := []string{
		filepath.Join(s.Dir, "redis.conf"), "--port", port, "--bind", "127.0.0.1", "--dir", s.Dir, "--save", "", "--appendonly", "no",
	}
	cmd := exec.Command(s.program, append(settings, s.options.Args...)...) //nolint:gosec,noctx // the program is ours to choose; Stop ends it
	cmd.Env = append(os.Environ(), s.options.Env...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	ended := make(chan struct{})
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // the death signal follows the thread that started the process
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait()
			close(ended)
		}
	}()
	if err := <-started; err != nil {
		return err
	}
	s.process, s.ended = cmd.Process, ended
	if err := s.awaitAnswer(); err != nil {
		s.Stop()
		text, _ := os.ReadFile(log.Name())
		return fmt.Errorf("%w\n%s", err, text)
	}
	return nil
}

func freePort() (int, error) {
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().(*net.TCPAddr).Port, nil
}

// awaitAnswer pings until the server answers; being asked for a password is an answer too.
func (s *Server) awaitAnswer() error {
	rdb := redis.NewClient(&redis.Options{Addr: s.Addr, MaxRetries: -1, DialerRetries: 1, DisableIdentity: true, Protocol: 2})
	defer func() { _ = rdb.Close() }()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for {
		err := s.connect(ctx)
		if err == nil {
			err = rdb.Ping(ctx).Err()
		}
		if err == nil || strings.HasPrefix(err.Error(), "NOAUTH") {
			return nil
		}
		select {
		case <-s.ended:
			return errors.New("the server ended at once")
		case <-ctx.Done():
			return fmt.Errorf("awaiting an answer: %w", err)
		case <-ticker.C:
		}
	}
}

// connect finds out whether anybody listens; the Redis client would log its failures.
func (s *Server) connect(ctx context.Context) error {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", s.Addr)
	if err != nil {
		return err
	}
	return conn.Close()
}

// StartCluster returns the address of a Redis Cluster of one node, which serves all slots and lives
// as long as the test.
func StartCluster(t testing.TB) string {
	t.Helper()
	addr := Start(t, "--cluster-enabled", "yes")
	rdb := redis.NewClient(&redis.Options{Addr: addr, Protocol: 2, DisableIdentity: true})
	defer func() { _ = rdb.Close() }()
	if err := rdb.ClusterAddSlotsRange(t.Context(), 0, 16383).Err(); err != nil {
		t.Fatalf("taking the slots: %v", err)
	}
	await(t, "the cluster to be up", func() bool {
		info, err := rdb.ClusterInfo(t.Context()).Result()
		return err == nil && strings.Contains(info, "cluster_state:ok")
	})
	return addr
}

// StartSentinel starts a Redis server and a sentinel that watches it as "mymaster", and returns the
// addresses of both.
func StartSentinel(t testing.TB) (sentinel, master string) {
	t.Helper()
	master = Start(t)
	sentinel = Start(t, "--sentinel")
	rdb := redis.NewSentinelClient(&redis.Options{Addr: sentinel, Protocol: 2, DisableIdentity: true})
	defer func() { _ = rdb.Close() }()
	host, port, err := net.SplitHostPort(master)
	if err != nil {
		t.Fatal(err)
	}
	if err := rdb.Monitor(t.Context(), "mymaster", host, port, "1").Err(); err != nil {
		t.Fatalf("watching the master: %v", err)
	}
	return sentinel, master
}

// StartTLS returns the address of a server that speaks only TLS and asks clients for a certificate.
func StartTLS(t testing.TB, caFile, certFile, keyFile string) string {
	t.Helper()
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	Start(t, "--tls-port", strconv.Itoa(port), "--tls-ca-cert-file", caFile, "--tls-cert-file", certFile, "--tls-key-file", keyFile)
	return addr
}
