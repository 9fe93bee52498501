//go:build linux

package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/resourceversion"
)

const (
	retryEvery    = 3 * time.Second  // what could not be prepared, started or reported
	refreshVolume = 30 * time.Second // secrets, config maps and tokens are looked at again
)

// podRunner runs one pod. All of its state belongs to the goroutine of run;
// others leave messages.
type podRunner struct {
	host      *host
	namespace string
	name      string
	created   *metav1.Time
	dir       string

	mail  chan *corev1.Pod // the newest version; capacity 1
	inbox chan func()      // what happened, to be done by run
	ended chan struct{}    // closed when run returns
	gone  chan struct{}    // closed when the API object is gone
	once  sync.Once

	pod        *corev1.Pod
	states     []*containerState
	procs      map[string]*process
	probes     map[string]context.CancelFunc
	tokens     *apiTokens
	planner    planner
	startTime  time.Time
	prepared   bool
	refreshAt  time.Time
	retryAt    map[string]time.Time // by container: not before
	deleteBy   time.Time            // kill then; zero = not deleting
	stopped    map[string]bool      // containers that were told to stop
	lastEvents map[string]string    // by container: the message of the last warning, not to repeat it

	watchers sync.WaitGroup // the probes

	logs logView
}

func newPodRunner(h *host, pod *corev1.Pod) *podRunner {
	r := &podRunner{
		host: h, namespace: pod.Namespace, name: pod.Name, created: &pod.CreationTimestamp,
		dir:  filepath.Join(h.podsDir(), pod.Namespace+"_"+pod.Name+"_"+string(pod.UID)),
		mail: make(chan *corev1.Pod, 1), inbox: make(chan func()), ended: make(chan struct{}), gone: make(chan struct{}),
		pod: pod, states: statesOf(pod, time.Now()),
		procs: map[string]*process{}, probes: map[string]context.CancelFunc{}, tokens: newTokens(h.client),
		startTime: time.Now(), retryAt: map[string]time.Time{}, stopped: map[string]bool{}, lastEvents: map[string]string{},
	}
	return r
}

// update leaves a newer version of the pod. Called by one goroutine only.
func (r *podRunner) update(pod *corev1.Pod) {
	select {
	case <-r.mail:
	default:
	}
	r.mail <- pod
}

// vanished says that the API object is gone.
func (r *podRunner) vanished() { r.once.Do(func() { close(r.gone) }) }

// post has run do f, unless it has ended or unless closes before.
func (r *podRunner) post(unless <-chan struct{}, f func()) {
	select {
	case r.inbox <- f:
	case <-unless:
	case <-r.ended:
	}
}

// run lives until the pod's object is gone or ctx ends, and leaves no process.
func (r *podRunner) run(ctx context.Context) {
	defer close(r.ended)
	ip, err := r.host.addresses.take()
	if err != nil {
		r.host.log.Error("pod cannot run", "namespace", r.namespace, "pod", r.name, "error", err)
		return
	}
	defer r.host.addresses.release(ip)
	r.plan(ip.String())
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			r.stopNow(r.host.options.shutdownGrace)
			r.forget()
			return
		case <-r.gone:
			r.stopNow(0)
			r.remove()
			return
		case pod := <-r.mail:
			r.take(pod)
		case f := <-r.inbox:
			f()
		case <-timer.C:
		}
		if wake := r.advance(ctx); !wake.IsZero() {
			timer.Reset(max(0, time.Until(wake)))
		}
	}
}

// plan fixes the facts that do not change any more.
func (r *podRunner) plan(ip string) {
	if r.pod.Spec.HostNetwork {
		ip = hostIP
	}
	r.planner = planner{
		facts:     facts{pod: r.pod, podIP: ip, hostIP: hostIP, allocatable: r.host.capacity},
		images:    r.host.options.images,
		source:    apiSource{client: r.host.client},
		apiServer: r.host.api.Host,
		home:      filepath.Join(r.dir, "home"),
		dir:       r.dir,
	}
}

// take looks at a newer version of the pod.
func (r *podRunner) take(pod *corev1.Pod) {
	if older(pod, r.pod) {
		return
	}
	r.pod = pod
	r.planner.facts.pod = pod
	if pod.DeletionTimestamp == nil {
		return
	}
	by := time.Now() // as a kubelet does: the grace period begins when the node hears of it
	if pod.DeletionGracePeriodSeconds != nil {
		by = by.Add(time.Duration(*pod.DeletionGracePeriodSeconds) * time.Second)
	}
	if r.deleteBy.IsZero() || by.Before(r.deleteBy) {
		r.deleteBy = by
		clear(r.stopped) // the grace period may have become shorter
	}
}

// older tells that a is a version from before b: the watch lags behind what
// the runner has written itself.
func older(a, b *corev1.Pod) bool {
	order, err := resourceversion.CompareResourceVersion(a.ResourceVersion, b.ResourceVersion)
	return err == nil && order < 0
}

// advance does what is to be done now and returns when to look again; zero =
// not before something happens.
func (r *podRunner) advance(ctx context.Context) time.Time {
	if r.pod.DeletionTimestamp != nil && r.deleteBy.IsZero() {
		r.take(r.pod)
	}
	st := step{}
	switch {
	case !r.deleteBy.IsZero():
		r.stopForDeletion()
	case r.over():
	case r.prepare(ctx):
		st = next(r.states, time.Now())
		for _, s := range st.start {
			r.launch(ctx, s, &st)
		}
		for _, s := range st.stop {
			r.stop(s, r.grace())
		}
		st.wakeAt(r.refreshAt)
	default:
		st.wakeAt(time.Now().Add(retryEvery))
	}
	if err := r.report(ctx); err != nil && ctx.Err() == nil {
		r.host.log.Warn("pod could not be reported", "namespace", r.namespace, "pod", r.name, "error", err)
		st.wakeAt(time.Now().Add(retryEvery))
	}
	return st.wake
}

// over tells that the pod has ended for good.
func (r *podRunner) over() bool {
	return r.pod.Status.Phase == corev1.PodSucceeded || r.pod.Status.Phase == corev1.PodFailed
}

// prepare brings the volumes up to date; false = the pod cannot run (yet).
func (r *podRunner) prepare(ctx context.Context) bool {
	if r.prepared && time.Now().Before(r.refreshAt) {
		return true
	}
	if err := refuse(&r.pod.Spec); err != nil {
		r.waitAll(reasonUnsupported, err)
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	err := r.makeVolumes(ctx)
	switch {
	case err == nil:
		r.stopWaiting()
		r.refreshAt = time.Now().Add(refreshVolume)
		r.prepared = true
	case r.prepared: // what is there goes on to be good enough
		r.host.log.Warn("volumes could not be refreshed", "namespace", r.namespace, "pod", r.name, "error", err)
		r.refreshAt = time.Now().Add(retryEvery)
	default:
		r.waitAll(reasonCreating, err)
	}
	return r.prepared
}

func (r *podRunner) makeVolumes(ctx context.Context) error {
	if err := os.MkdirAll(r.planner.home, 0o700); err != nil {
		return err
	}
	maker := volumeMaker{
		dir: filepath.Join(r.dir, "volumes"), facts: r.planner.facts,
		images: r.planner.images, source: r.planner.source, tokens: r.tokens,
	}
	dirs, err := maker.make(ctx)
	if err != nil {
		return err
	}
	r.planner.volumes = dirs
	token := tokenFile(r.pod, dirs)
	if token == "" || r.planner.kubeconfig != "" {
		return nil
	}
	path := filepath.Join(r.dir, "kubeconfig")
	if err := writeKubeconfig(path, r.host.api, token, r.namespace); err != nil {
		return err
	}
	r.planner.kubeconfig = path
	return nil
}

// waitAll makes every container wait for the same reason.
func (r *podRunner) waitAll(reason string, err error) {
	for _, s := range r.states {
		if s.last == nil {
			s.wait(reason, err.Error())
		}
	}
	event := "FailedMount"
	if reason == reasonUnsupported {
		event = reason
	}
	r.warn("", event, err)
}

// stopWaiting forgets what waitAll said.
func (r *podRunner) stopWaiting() {
	for _, s := range r.states {
		if s.waitReason == reasonCreating {
			s.wait("", "")
		}
	}
}

// warn makes an event of an error, once until it changes.
func (r *podRunner) warn(container, reason string, err error) {
	if r.lastEvents[container] == err.Error() {
		return
	}
	r.lastEvents[container] = err.Error()
	r.host.events.Event(r.pod, corev1.EventTypeWarning, reason, err.Error())
}

// forget removes what is private from the disk and leaves the logs.
func (r *podRunner) forget() {
	err := errors.Join(os.RemoveAll(filepath.Join(r.dir, "volumes")), os.RemoveAll(filepath.Join(r.dir, "kubeconfig")))
	if err != nil {
		r.host.log.Warn("volumes could not be removed", "namespace", r.namespace, "pod", r.name, "error", err)
	}
}

// remove removes all of the pod from the disk.
func (r *podRunner) remove() {
	if err := os.RemoveAll(r.dir); err != nil {
		r.host.log.Warn("pod could not be removed from disk", "namespace", r.namespace, "pod", r.name, "error", err)
	}
}
