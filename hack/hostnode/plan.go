//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// tokenPath is where a container expects its service account token.
const tokenPath = "/var/run/secrets/kubernetes.io/serviceaccount"

// program is a container made into what the operating system can start.
type program struct {
	path string
	args []string // without the program itself
	env  []string
	dir  string
	mark string // what all of its processes carry, see markName
}

// planner turns the containers of one pod into programs.
type planner struct {
	facts      facts
	images     images
	source     source
	apiServer  string            // URL
	volumes    map[string]string // volume name to directory
	kubeconfig string            // file for the containers that mount a token; "" = none
	home       string            // a directory of the pod's own
	dir        string            // the pod's folder, of which the mark is made
}

// Reasons of a container that waits, as kubectl shows them.
const (
	reasonNoImage     = "ErrImageNeverPull"
	reasonConfigError = "CreateContainerConfigError"
	reasonRunError    = "RunContainerError"
	reasonCreating    = "ContainerCreating"
	reasonInit        = "PodInitializing"
	reasonCrashLoop   = "CrashLoopBackOff"
	reasonUnsupported = "UnsupportedByHostNode"
)

// waitReason is the reason that a planning error gives to the container.
func waitReason(err error) string {
	if errors.Is(err, errUnknownImage) {
		return reasonNoImage
	}
	return reasonConfigError
}

// plan resolves one container.
func (p planner) plan(ctx context.Context, c *corev1.Container) (program, error) {
	env, err := p.environment(ctx, c)
	if err != nil {
		return program{}, err
	}
	command, args := words(c.Command, env), words(c.Args, env)
	path, rest, err := p.executable(c, command)
	if err != nil {
		return program{}, err
	}
	dir := p.home
	if moved := env.rewrite.paths(c.WorkingDir); moved != c.WorkingDir {
		dir = moved
	}
	return program{path: path, args: append(rest, args...), env: env.list(), dir: dir, mark: filepath.Join(p.dir, c.Name)}, nil
}

// executable finds the program: a command inside a volume is that file, any
// other is looked up in the image.
func (p planner) executable(c *corev1.Container, command []string) (string, []string, error) {
	if len(command) == 0 {
		path, err := p.images.program(c.Image, "")
		return path, nil, err
	}
	if _, _, err := p.images.find(c.Image); err != nil {
		return "", nil, err
	}
	for _, m := range mountsOf(c, p.volumes) {
		if strings.HasPrefix(command[0], m.dir+"/") {
			return command[0], command[1:], nil
		}
	}
	path, err := p.images.program(c.Image, command[0])
	return path, command[1:], err
}

func words(texts []string, env *environment) []string {
	out := make([]string, 0, len(texts))
	for _, text := range texts {
		word, _ := env.word(text)
		out = append(out, word)
	}
	return out
}

func (p planner) rewriter(c *corev1.Container) rewriter {
	ip := p.facts.podIP
	if p.facts.pod.Spec.HostNetwork {
		ip = ""
	}
	return newRewriter(mountsOf(c, p.volumes), podPorts(&p.facts.pod.Spec), ip)
}

// environment is what the container asked for on top of what every container
// has: the API server's address, PATH, HOME, HOSTNAME.
func (p planner) environment(ctx context.Context, c *corev1.Container) (*environment, error) {
	env := newEnvironment(p.rewriter(c))
	host, port, err := hostPort(p.apiServer)
	if err != nil {
		return nil, err
	}
	env.set("KUBERNETES_SERVICE_HOST", host, false)
	env.set("KUBERNETES_SERVICE_PORT", port, false)
	if err := envOf(ctx, p.facts, c, p.source, env); err != nil {
		return nil, err
	}
	env.setDefault("PATH", defaultPath)
	env.setDefault("HOME", p.home)
	env.setDefault("HOSTNAME", p.facts.pod.Name)
	for _, m := range mountsOf(c, p.volumes) {
		switch m.path {
		case "/tmp":
			env.setDefault("TMPDIR", m.dir)
		case tokenPath:
			if p.kubeconfig != "" {
				env.setDefault("KUBECONFIG", p.kubeconfig)
			}
		}
	}
	return env, nil
}

// hostPort splits the API server's address, which may come without a scheme.
func hostPort(server string) (host, port string, err error) {
	if !strings.Contains(server, "://") {
		server = "https://" + server
	}
	u, err := url.Parse(server)
	if err != nil {
		return "", "", fmt.Errorf("parsing the API server's address: %w", err)
	}
	port = u.Port()
	if port == "" {
		port = "443"
	}
	return u.Hostname(), port, nil
}
