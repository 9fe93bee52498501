//go:build linux

package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// launch starts one container, or makes it wait with the reason why not.
func (r *podRunner) launch(ctx context.Context, s *containerState, st *step) {
	if at, ok := r.retryAt[s.name]; ok && time.Now().Before(at) {
		st.wakeAt(at)
		return
	}
	c := r.spec(s.name)
	reason, err := r.start(ctx, c, s)
	if err == nil {
		delete(r.retryAt, s.name)
		delete(r.lastEvents, s.name)
		return
	}
	s.wait(reason, err.Error())
	r.warn(s.name, event(reason), err)
	r.retryAt[s.name] = time.Now().Add(retryEvery)
	st.wakeAt(r.retryAt[s.name])
}

// event is the reason under which a kubelet reports the same trouble.
func event(waitReason string) string {
	if waitReason == reasonNoImage {
		return waitReason
	}
	return "Failed"
}

func (r *podRunner) start(ctx context.Context, c *corev1.Container, s *containerState) (reason string, err error) {
	planCtx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	p, err := r.planner.plan(planCtx, c)
	if err != nil {
		return waitReason(err), err
	}
	run := s.restarts
	if s.last != nil {
		run++
	}
	path := filepath.Join(r.dir, "logs", c.Name, strconv.Itoa(int(run))+".log")
	out, err := createLog(path)
	if err != nil {
		return reasonRunError, err
	}
	proc, err := startProcess(r.host.spawner, p, out)
	if err != nil {
		_ = out.file.Close() // nothing was written
		return reasonRunError, err
	}
	id := fmt.Sprintf("hostprocess://%s/%s/%d/%d", r.pod.UID, c.Name, run, proc.pid)
	s.begin(id, "hostprocess://"+p.path, time.Now())
	r.procs[s.name] = proc
	r.logs.started(s.name, path, proc.done)
	r.host.events.Eventf(r.pod, corev1.EventTypeNormal, "Started", "Started container %s as host process %d", c.Name, proc.pid)
	go func() {
		<-proc.done
		r.post(nil, func() { r.exited(s, proc) })
	}()
	r.watch(ctx, c, s)
	return "", nil
}

// exited takes note of a process that has ended.
func (r *podRunner) exited(s *containerState, proc *process) {
	if r.procs[s.name] != proc {
		return
	}
	delete(r.procs, s.name)
	if cancel, ok := r.probes[s.name]; ok {
		cancel()
		delete(r.probes, s.name)
	}
	delete(r.stopped, s.name)
	s.end(r.withLastWords(s, proc.exit), time.Now())
	if s.wanted() && s.backoff.pause > 0 && r.deleteBy.IsZero() {
		r.host.events.Eventf(r.pod, corev1.EventTypeWarning, "BackOff", "Back-off restarting failed container %s", s.name)
	}
}

// withLastWords adds the end of the log to a bad end, where the container asks
// for it.
func (r *podRunner) withLastWords(s *containerState, e exit) exit {
	if e.code == 0 || e.message != "" || r.spec(s.name).TerminationMessagePolicy != corev1.TerminationMessageFallbackToLogsOnError {
		return e
	}
	runs, _ := r.logs.of(s.name)
	words, err := lastWords(runs.current)
	if err != nil {
		words = err.Error()
	}
	e.message = words
	return e
}

// stop asks a container's process to end, once.
func (r *podRunner) stop(s *containerState, grace time.Duration) {
	proc, ok := r.procs[s.name]
	if !ok || r.stopped[s.name] {
		return
	}
	r.stopped[s.name] = true
	r.host.events.Eventf(r.pod, corev1.EventTypeNormal, "Killing", "Stopping container %s", s.name)
	proc.stop(grace)
}

// stopForDeletion stops the main containers and, when they are gone, the
// sidecars, all within the pod's grace period.
func (r *podRunner) stopForDeletion() {
	grace := max(0, time.Until(r.deleteBy))
	sidecarsToo := grace == 0 || !r.runs(func(s *containerState) bool { return s.role != sidecarRole })
	for _, s := range r.states {
		if s.role != sidecarRole || sidecarsToo {
			r.stop(s, grace)
		}
	}
}

// stopNow stops everything within the grace period and waits for it.
func (r *podRunner) stopNow(grace time.Duration) {
	for _, cancel := range r.probes {
		cancel()
	}
	for _, proc := range r.procs {
		proc.stop(min(grace, r.grace()))
	}
	for _, proc := range r.procs {
		<-proc.done
	}
	r.watchers.Wait()
}

// grace is the pod's own termination grace period.
func (r *podRunner) grace() time.Duration {
	seconds := int64(corev1.DefaultTerminationGracePeriodSeconds)
	if r.pod.Spec.TerminationGracePeriodSeconds != nil {
		seconds = *r.pod.Spec.TerminationGracePeriodSeconds
	}
	return time.Duration(seconds) * time.Second
}

func (r *podRunner) runs(which func(*containerState) bool) bool {
	for _, s := range r.states {
		if s.running && which(s) {
			return true
		}
	}
	return false
}

// spec finds a container of the pod by name.
func (r *podRunner) spec(name string) *corev1.Container {
	for _, list := range [][]corev1.Container{r.pod.Spec.InitContainers, r.pod.Spec.Containers} {
		for i := range list {
			if list[i].Name == name {
				return &list[i]
			}
		}
	}
	return nil
}
