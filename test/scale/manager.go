package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// buildManager builds the manager as the image has it, and returns its path.
func buildManager(ctx context.Context, root, dir string) (string, error) {
	file := filepath.Join(dir, "manager")
	absolute, err := filepath.Abs(file)
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-tags", "grpcnotrace", "-ldflags", "-s -w", "-o", absolute, "./cmd/manager") //nolint:gosec // our own program
	cmd.Dir, cmd.Env = root, append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the manager: %w\n%s", err, text)
	}
	return file, nil
}

// manager is a running manager program.
type manager struct {
	cmd                   *exec.Cmd
	metrics, ready, pprof string
	log                   string
	ended                 chan struct{} // closed when the process is gone
}

// startManager starts the program. The caller has to end it.
func startManager(ctx context.Context, program, kubeconfig, redis, log string) (*manager, error) {
	metrics, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	probes, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	profiles, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	file, err := os.Create(log) //nolint:gosec // a file of ours
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	m := &manager{metrics: "http://" + metrics + "/metrics", ready: "http://" + probes + "/readyz", pprof: "http://" + profiles + "/debug/pprof/", log: log, ended: make(chan struct{})}
	m.cmd = exec.Command(program, "--leader-elect", "--leader-election-namespace="+systemNamespace, "--default-redis=redis://"+redis, //nolint:gosec,noctx // end stops it
		"--metrics-bind-address="+metrics, "--metrics-secure=false", "--health-probe-bind-address="+probes, "--pprof-bind-address="+profiles)
	m.cmd.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig)
	m.cmd.Stdout, m.cmd.Stderr = file, file
	if err := m.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the manager: %w", err)
	}
	go func() {
		_ = m.cmd.Wait()
		close(m.ended)
	}()
	if err := await(ctx, time.Minute, "the manager to be ready", func() bool { return m.isReady(ctx) }); err != nil {
		m.end(syscall.SIGKILL)
		return nil, fmt.Errorf("%w\n%s", err, m.lastLines())
	}
	return m, nil
}

func freeAddress(ctx context.Context) (string, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

func (m *manager) isReady(ctx context.Context) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, m.ready, nil)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// end sends a signal and waits until the process is gone. It may be called again.
func (m *manager) end(signal syscall.Signal) {
	_ = m.cmd.Process.Signal(signal)
	select {
	case <-m.ended:
	case <-time.After(30 * time.Second):
		_ = m.cmd.Process.Kill()
		<-m.ended
	}
}

func (m *manager) samples(ctx context.Context) (samples, error) {
	return scrape(ctx, http.DefaultClient, m.metrics)
}

// profile saves a profile of the process in a file.
func (m *manager) profile(ctx context.Context, kind, file string) error {
	return download(ctx, http.DefaultClient, m.pprof+kind, file)
}

// download saves what a URL answers in a file.
func download(ctx context.Context, via *http.Client, url, file string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := via.Do(request)
	if err != nil {
		return fmt.Errorf("downloading a profile: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		return fmt.Errorf("downloading a profile: %w", err)
	}
	return os.WriteFile(file, raw, 0o600)
}

// lastLines are the end of the log, for an error.
func (m *manager) lastLines() string {
	raw, _ := os.ReadFile(m.log)
	lines := bytes.Split(bytes.TrimSpace(raw), []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-10):], []byte("\n")))
}

// memory is what the process has in RAM now and had at most, in MiB.
func (m *manager) memory() (now, most float64, err error) {
	file, err := os.Open("/proc/" + strconv.Itoa(m.cmd.Process.Pid) + "/status")
	if err != nil {
		return 0, 0, fmt.Errorf("reading the manager's memory: %w", err)
	}
	defer func() { _ = file.Close() }()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		name, rest, _ := strings.Cut(lines.Text(), ":")
		kib, _ := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 64)
		switch name {
		case "VmRSS":
			now = kib / 1024
		case "VmHWM":
			most = kib / 1024
		}
	}
	if now == 0 {
		return 0, 0, errors.New("reading the manager's memory: it is gone")
	}
	return now, most, nil
}
