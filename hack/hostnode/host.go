//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
)

// hostIP is the node's address: it speaks only to this machine.
const hostIP = "127.0.0.1"

// host is the node: what all pods share, and the pods.
type host struct {
	options   options
	api       *rest.Config
	client    kubernetes.Interface
	log       *slog.Logger
	events    record.EventRecorder
	addresses *addresses
	spawner   *spawner
	capacity  corev1.ResourceList

	mu   sync.Mutex
	pods map[types.UID]*podRunner
	wait sync.WaitGroup // of the runners
}

func newHost(o options, api *rest.Config, client kubernetes.Interface, log *slog.Logger) (*host, error) {
	prefix, err := netip.ParsePrefix(o.podCIDR)
	if err != nil {
		return nil, fmt.Errorf("parsing the pod range: %w", err)
	}
	capacity, err := machineCapacity()
	if err != nil {
		return nil, err
	}
	return &host{
		options: o, api: api, client: client, log: log,
		addresses: newAddresses(prefix), spawner: newSpawner(), capacity: capacity,
		pods: map[types.UID]*podRunner{},
	}, nil
}

// run serves the node until ctx ends; then it stops every process and returns
// when the last one is gone.
func (h *host) run(ctx context.Context) error {
	// What an earlier run that was killed may have left.
	killFamily(0, h.podsDir())
	if err := os.RemoveAll(h.podsDir()); err != nil {
		return fmt.Errorf("clearing the state directory: %w", err)
	}
	broadcaster := record.NewBroadcaster(record.WithContext(ctx))
	broadcaster.StartRecordingToSink(&typedcorev1.EventSinkImpl{Interface: h.client.CoreV1().Events("")})
	defer broadcaster.Shutdown()
	h.events = broadcaster.NewRecorder(scheme.Scheme, corev1.EventSource{Component: "hostnode", Host: h.options.nodeName})

	server, err := startLogServer(ctx, h)
	if err != nil {
		return err
	}
	defer server.Close()
	n := newNode(h.client, h.log, h.options.nodeName, h.capacity, server.port)
	if err := n.register(ctx); err != nil {
		return err
	}
	var background sync.WaitGroup
	background.Go(func() { n.keepAlive(ctx) })
	background.Go(func() { h.watchPods(ctx) })
	h.log.Info("node is up: pods run as host processes, without containers", "node", h.options.nodeName)

	<-ctx.Done()
	background.Wait()
	h.wait.Wait()
	n.leave()
	h.log.Info("node has stopped", "node", h.options.nodeName)
	return nil
}

// watchPods keeps one runner per pod that is bound to this node.
func (h *host) watchPods(ctx context.Context) {
	selector := fields.OneTermEqualSelector("spec.nodeName", h.options.nodeName)
	_, informer := cache.NewInformerWithOptions(cache.InformerOptions{
		ListerWatcher: cache.NewListWatchFromClient(h.client.CoreV1().RESTClient(), "pods", corev1.NamespaceAll, selector),
		ObjectType:    &corev1.Pod{},
		Handler: cache.ResourceEventHandlerFuncs{
			AddFunc:    func(o any) { h.seen(ctx, o) },
			UpdateFunc: func(_, o any) { h.seen(ctx, o) },
			DeleteFunc: h.gone,
		},
	})
	informer.RunWithContext(ctx)
}

func (h *host) seen(ctx context.Context, o any) {
	pod, ok := o.(*corev1.Pod)
	if !ok || ctx.Err() != nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	r, ok := h.pods[pod.UID]
	if ok {
		r.update(pod)
		return
	}
	r = newPodRunner(h, pod)
	h.pods[pod.UID] = r
	h.wait.Go(func() { r.run(ctx) })
}

func (h *host) gone(o any) {
	if unknown, ok := o.(cache.DeletedFinalStateUnknown); ok {
		o = unknown.Obj
	}
	pod, ok := o.(*corev1.Pod)
	if !ok {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if r, ok := h.pods[pod.UID]; ok {
		r.vanished()
		delete(h.pods, pod.UID)
	}
}

// find returns the pod that kubectl means by a name: the newest.
func (h *host) find(namespace, name string) *podRunner {
	h.mu.Lock()
	defer h.mu.Unlock()
	var found *podRunner
	for _, r := range h.pods {
		if r.namespace != namespace || r.name != name {
			continue
		}
		if found == nil || found.created.Before(r.created) {
			found = r
		}
	}
	return found
}

func (h *host) podsDir() string { return filepath.Join(h.options.stateDir, "pods") }

// claimDir makes the state directory and locks it: two nodes must not share
// one. The lock ends with the process at the latest.
func claimDir(dir string) (release func(), err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the state directory: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the lock: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = lock.Close() // nothing was written
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("another node uses the state directory %q", dir)
		}
		return nil, fmt.Errorf("locking the state directory: %w", err)
	}
	return func() { _ = lock.Close() }, nil
}

// apiTimeout bounds each call to the API server.
const apiTimeout = 5 * time.Second
