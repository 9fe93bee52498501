//go:build linux

package main

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// watch begins the probes of a run that has just begun: the startup probe
// first, the others when it has succeeded.
func (r *podRunner) watch(ctx context.Context, c *corev1.Container, s *containerState) {
	ctx, r.probes[s.name] = context.WithCancel(ctx)
	proc := r.procs[s.name]
	if c.StartupProbe == nil {
		r.watchStarted(ctx, c, s)
		return
	}
	startup, done := context.WithCancel(ctx)
	r.probe(startup, c, "startup", c.StartupProbe, func(err error) {
		switch {
		case r.procs[s.name] != proc || s.started:
		case err != nil:
			r.unhealthy(s, "Startup", c.StartupProbe, err)
		default:
			done()
			r.watchStarted(ctx, c, s)
		}
	})
}

// watchStarted marks the run as started and begins liveness and readiness.
func (r *podRunner) watchStarted(ctx context.Context, c *corev1.Container, s *containerState) {
	proc := r.procs[s.name]
	s.started = true
	s.ready = c.ReadinessProbe == nil && s.role != initRole
	if c.ReadinessProbe != nil {
		r.probe(ctx, c, "readiness", c.ReadinessProbe, func(err error) {
			if r.procs[s.name] != proc {
				return
			}
			s.ready = err == nil
			if err != nil {
				r.host.events.Eventf(r.pod, corev1.EventTypeWarning, "Unhealthy", "Readiness probe failed: %v", err)
			}
		})
	}
	if c.LivenessProbe != nil {
		r.probe(ctx, c, "liveness", c.LivenessProbe, func(err error) {
			if err != nil && r.procs[s.name] == proc {
				r.unhealthy(s, "Liveness", c.LivenessProbe, err)
			}
		})
	}
}

// unhealthy ends a run that its probe has given up; the restart policy decides
// what follows.
func (r *podRunner) unhealthy(s *containerState, kind string, spec *corev1.Probe, err error) {
	if !r.deleteBy.IsZero() || r.stopped[s.name] {
		return
	}
	r.host.events.Eventf(r.pod, corev1.EventTypeWarning, "Unhealthy", "%s probe failed: %v", kind, err)
	grace := r.grace()
	if spec.TerminationGracePeriodSeconds != nil {
		grace = time.Duration(*spec.TerminationGracePeriodSeconds) * time.Second
	}
	r.stop(s, grace)
}

// probe runs a probe until ctx ends; f is called in the runner's goroutine.
func (r *podRunner) probe(ctx context.Context, c *corev1.Container, kind string, spec *corev1.Probe, f func(err error)) {
	planner, spawner := r.planner, r.host.spawner
	execute := func(ctx context.Context, command []string) error {
		probed := *c
		probed.Command, probed.Args = command, nil
		p, err := planner.plan(ctx, &probed)
		if err != nil {
			return err
		}
		p.mark += "/" + kind // part of the container, but not all of it
		return checkProgram(ctx, spawner, p)
	}
	p := prober{
		spec:   spec,
		check:  checkOf(spec, c, planner.facts.podIP, execute),
		report: func(err error) { r.post(ctx.Done(), func() { f(err) }) },
	}
	r.watchers.Go(func() { p.run(ctx) })
}
