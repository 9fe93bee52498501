// Package modes_test runs what the operator makes of a queue against each kind of
// Redis: its poller, and the worker program with the environment and the files
// that its pods would get.
package modes_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/go-logr/logr/testr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	queuev1alpha1 "github.com/asyncqueue/operator/api/v1alpha1"
	"github.com/asyncqueue/operator/controllers/connect"
	"github.com/asyncqueue/operator/controllers/desired"
	"github.com/asyncqueue/operator/controllers/poll"
	"github.com/asyncqueue/operator/internal/redisconn"
	"github.com/asyncqueue/operator/queue"
)

// patience bounds what may take long on a loaded machine.
const patience = 60 * time.Second

// secrets are the Secrets of the namespace by name.
type secrets map[string]map[string]string

// reader reads them as from an API server.
type reader struct {
	client.Reader
	secrets
}

func (r reader) Get(_ context.Context, key client.ObjectKey, object client.Object, _ ...client.GetOption) error {
	data, ok := r.secrets[key.Name]
	if !ok {
		return apierrors.NewNotFound(schema.GroupResource{Resource: "secrets"}, key.Name)
	}
	secret := object.(*corev1.Secret)
	secret.Data = map[string][]byte{}
	for name, value := range data {
		secret.Data[name] = []byte(value)
	}
	return nil
}

// stage is one queue with its Redis, its poller and a handler that counts.
type stage struct {
	queue      *queuev1alpha1.AsyncQueue
	connection connect.Connection
	secrets    secrets
	producer   *queue.Queue
	poller     *poll.Poller
	handled    atomic.Int64
}

var key = types.NamespacedName{Namespace: "shop", Name: "orders"}

// newStage resolves the queue as the operator does, and starts its poller.
func newStage(t *testing.T, r *queuev1alpha1.Redis, s secrets) *stage {
	t.Helper()
	st := &stage{secrets: s}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		st.handled.Add(1)
		w.WriteHeader(http.StatusOK)
	}))
	t.Cleanup(server.Close)
	st.queue = &queuev1alpha1.AsyncQueue{
		ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name, UID: "11111111-2222-3333-4444-555555555555"},
		Spec: queuev1alpha1.AsyncQueueSpec{
			Channel: "{orders}", Redis: r, Concurrency: 2,
			Timeouts: queuev1alpha1.Timeouts{PopSeconds: 1, HandleSeconds: 10, RetrySeconds: []int32{1}},
			Handler:  &queuev1alpha1.Handler{HTTP: &queuev1alpha1.HTTPHandler{URL: server.URL}},
		},
	}
	var err error
	st.connection, err = connect.NewResolver(reader{secrets: s}, connect.Default{}, time.Now).Resolve(t.Context(), st.queue, connect.Calm)
	if err != nil {
		t.Fatal(err)
	}
	rdb, err := redisconn.New(st.connection.Poll.Config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rdb.Close() })
	if st.producer, err = queue.New(rdb, st.queue.EffectiveChannel()); err != nil {
		t.Fatal(err)
	}
	st.poller = poll.New(poll.Config{Interval: 100 * time.Millisecond, Log: testr.New(t)})
	var polling sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	polling.Go(func() { _ = st.poller.Start(ctx) })
	t.Cleanup(func() { cancel(); polling.Wait() })
	st.poller.Watch(key, poll.Target{
		Redis: &st.connection.Poll, Channel: st.queue.EffectiveChannel(), Digest: func(poll.Observation) string { return "" },
	})
	return st
}

// startWorker runs the worker program as a pod of the queue's Deployment would.
func (st *stage) startWorker(t *testing.T, program string) {
	t.Helper()
	deployment, err := desired.Deployment(desired.Input{Queue: st.queue, WorkerImage: "worker", Replicas: 1, Redis: st.connection.Pods})
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	pod := deployment.Spec.Template.Spec
	st.mount(t, root, pod)
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), program)
	for _, variable := range pod.Containers[0].Env {
		value := strings.ReplaceAll(variable.Value, "/etc/asyncqueue", root+"/etc/asyncqueue")
		switch {
		case variable.ValueFrom != nil:
			value = "orders-worker-0"
		case variable.Name == "ASYNCQUEUE_LISTEN":
			value = "127.0.0.1:0"
		}
		cmd.Env = append(cmd.Env, variable.Name+"="+value)
	}
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil || t.Failed() {
			t.Errorf("the worker ended with %v:\n%s", err, log.String())
		}
	})
}

// mount puts the Secrets where the pod has them, below root.
func (st *stage) mount(t *testing.T, root string, pod corev1.PodSpec) {
	t.Helper()
	paths := map[string]string{}
	for _, m := range pod.Containers[0].VolumeMounts {
		paths[m.Name] = m.MountPath
	}
	for _, volume := range pod.Volumes {
		if volume.Projected == nil {
			continue
		}
		dir := filepath.Join(root, paths[volume.Name])
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		for _, source := range volume.Projected.Sources {
			for _, item := range source.Secret.Items {
				content := []byte(st.secrets[source.Secret.Name][item.Key])
				if err := os.WriteFile(filepath.Join(dir, item.Path), content, 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// push pushes one message, until Redis takes it.
func (st *stage) push(t *testing.T, id string) {
	t.Helper()
	message := `{"specversion":"1.0","type":"order","source":"test","id":"` + id + `","data":{}}`
	await(t, "a push", func() bool { return st.producer.Push(t.Context(), []byte(message)) == nil })
}

// awaitHandled waits until at least n messages were handled.
func (st *stage) awaitHandled(t *testing.T, n int64) {
	t.Helper()
	await(t, "the handler", func() bool { return st.handled.Load() >= n })
}

// awaitSeen waits until what the poller sees is as it should be.
func (st *stage) awaitSeen(t *testing.T, what string, is func(poll.Observation) bool) poll.Observation {
	t.Helper()
	var seen poll.Observation
	await(t, what, func() bool { seen = st.poller.Latest(key); return is(seen) })
	return seen
}

func await(t *testing.T, what string, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for !condition() {
		if time.Now().After(deadline) {
			t.Fatalf("awaiting %s: not within %v", what, patience)
		}
		<-ticker.C
	}
}

// buildWorker builds the worker program of the operator's image.
func buildWorker(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "worker")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "github.com/asyncqueue/operator/cmd/worker")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the worker: %v\n%s", err, out)
	}
	return program
}

func text(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
