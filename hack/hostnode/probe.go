//go:build linux

package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// verdict counts a probe's results against its thresholds.
type verdict struct {
	successes, failures int32 // in a row
	needSuccesses       int32
	needFailures        int32
}

func newVerdict(p *corev1.Probe) verdict {
	return verdict{needSuccesses: max(1, p.SuccessThreshold), needFailures: max(1, p.FailureThreshold)}
}

// observe adds a result; decided tells that the row is long enough for it to
// count.
func (v *verdict) observe(ok bool) (decided bool) {
	if ok {
		v.successes, v.failures = v.successes+1, 0
		return v.successes >= v.needSuccesses
	}
	v.successes, v.failures = 0, v.failures+1
	return v.failures >= v.needFailures
}

// prober runs one probe of one container until ctx ends.
type prober struct {
	spec   *corev1.Probe
	check  func(ctx context.Context) error
	report func(err error) // called once per result that counts
}

func (p prober) run(ctx context.Context) {
	period := time.Duration(max(1, p.spec.PeriodSeconds)) * time.Second
	v := newVerdict(p.spec)
	timer := time.NewTimer(time.Duration(p.spec.InitialDelaySeconds) * time.Second)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		err := p.once(ctx)
		if ctx.Err() != nil {
			return
		}
		if v.observe(err == nil) {
			p.report(err)
		}
		timer.Reset(period)
	}
}

func (p prober) once(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(max(1, p.spec.TimeoutSeconds))*time.Second)
	defer cancel()
	return p.check(ctx)
}

// checkOf makes the check that a probe describes. run is what an exec probe's
// command is given to.
func checkOf(p *corev1.Probe, c *corev1.Container, ip string, run func(ctx context.Context, command []string) error) func(context.Context) error {
	switch {
	case p.HTTPGet != nil:
		return func(ctx context.Context) error { return checkHTTP(ctx, p.HTTPGet, c, ip) }
	case p.TCPSocket != nil:
		return func(ctx context.Context) error { return checkTCP(ctx, p.TCPSocket, c, ip) }
	default:
		return func(ctx context.Context) error { return run(ctx, p.Exec.Command) }
	}
}

// probeClient asks once, follows nothing and believes any certificate, as a
// kubelet does.
var probeClient = &http.Client{
	Transport: &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // a probe asks whether somebody is there, not who
	},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

func checkHTTP(ctx context.Context, get *corev1.HTTPGetAction, c *corev1.Container, ip string) error {
	port, err := portOf(get.Port, c)
	if err != nil {
		return err
	}
	host := get.Host
	if host == "" {
		host = ip
	}
	path := "/" + strings.TrimPrefix(get.Path, "/")
	url := strings.ToLower(string(get.Scheme)) + "://" + net.JoinHostPort(host, port) + path
	if get.Scheme == "" {
		url = "http" + url
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return fmt.Errorf("making the request: %w", err)
	}
	request.Header.Set("User-Agent", "kube-probe/hostnode")
	for _, h := range get.HTTPHeaders {
		if strings.EqualFold(h.Name, "Host") {
			request.Host = h.Value
		}
		request.Header.Add(h.Name, h.Value)
	}
	response, err := probeClient.Do(request)
	if err != nil {
		return err
	}
	_ = response.Body.Close() // its content does not matter
	if response.StatusCode < 200 || response.StatusCode >= 400 {
		return fmt.Errorf("HTTP probe failed with statuscode: %d", response.StatusCode)
	}
	return nil
}

func checkTCP(ctx context.Context, action *corev1.TCPSocketAction, c *corev1.Container, ip string) error {
	port, err := portOf(action.Port, c)
	if err != nil {
		return err
	}
	host := action.Host
	if host == "" {
		host = ip
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(host, port))
	if err != nil {
		return err
	}
	return conn.Close()
}

// portOf resolves a port by number or by its name in the container.
func portOf(p intstr.IntOrString, c *corev1.Container) (string, error) {
	if p.Type == intstr.Int {
		return strconv.Itoa(p.IntValue()), nil
	}
	for _, port := range c.Ports {
		if port.Name == p.StrVal {
			return strconv.Itoa(int(port.ContainerPort)), nil
		}
	}
	if _, err := strconv.Atoi(p.StrVal); err == nil {
		return p.StrVal, nil
	}
	return "", fmt.Errorf("the container has no port named %q", p.StrVal)
}

// checkProgram runs an exec probe's program and waits for it.
func checkProgram(ctx context.Context, s *spawner, p program) error {
	proc, err := startProcess(s, p, discard{})
	if err != nil {
		return err
	}
	select {
	case <-proc.done:
	case <-ctx.Done():
		proc.stop(0)
		<-proc.done
		return errors.New("the probe's command ran out of time")
	}
	if proc.exit.code != 0 {
		return fmt.Errorf("the probe's command ended with code %d", proc.exit.code)
	}
	return nil
}
