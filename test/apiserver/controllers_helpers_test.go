package apiserver_test

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/redis/go-redis/v9"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	queuev1alpha1 "github.com/asyncqueue/operator/api/v1alpha1"
	"github.com/asyncqueue/operator/controllers"
	"github.com/asyncqueue/operator/controllers/connect"
	"github.com/asyncqueue/operator/controllers/desired"
	"github.com/asyncqueue/operator/controllers/poll"
	"github.com/asyncqueue/operator/internal/redistest"
)

// Sizes and times of the operator under test: short, so that specs are.
const (
	testPoll   = 100 * time.Millisecond
	testWindow = 500 * time.Millisecond
)

// operator is an operator that cares for one namespace, with the rights of the
// real one.
type operator struct {
	namespace string
	redis     *redistest.Server
	rdb       *redis.Client
	requests  *requestLog
	// user is whom the operator acts as; empty: the manager's service account.
	user string
	// saboteur spoils requests; nil: none.
	saboteur *saboteur
	// past is what it sees of what was; nil: all is as it is.
	past *past
	// stop stops it; nil: it was not started.
	stop func()
	// also are further namespaces that it cares for.
	also []string
	// ahead is how far the operator's clock for Secrets is ahead, as a Duration.
	ahead atomic.Int64
}

// startOperator runs an operator for a new namespace, with a Redis of its own as
// the default, until the spec ends.
func startOperator(ctx SpecContext) *operator {
	GinkgoHelper()
	o := &operator{namespace: newNamespace(ctx), requests: &requestLog{}}
	o.redis = startRedis()
	o.rdb = redis.NewClient(&redis.Options{Addr: o.redis.Addr, Protocol: 2})
	DeferCleanup(o.rdb.Close)
	o.run(ctx, connect.Default{URL: "redis://" + o.redis.Addr})
	return o
}

func startRedis(args ...string) *redistest.Server {
	GinkgoHelper()
	server, err := redistest.Launch(GinkgoT().TempDir(), args...)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(server.Stop)
	return server
}

// run starts a manager and stops it when the spec ends, or by the function that
// it returns.
func (o *operator) run(ctx SpecContext, fallback connect.Default) (stop func()) {
	GinkgoHelper()
	reached := operatorConfig(ctx, o.requests, cmp.Or(o.user, operatorUser))
	if o.saboteur != nil {
		reached.Wrap(func(next http.RoundTripper) http.RoundTripper { return faultyTripper{next, o.saboteur} })
	}
	if o.past != nil {
		reached.Wrap(func(next http.RoundTripper) http.RoundTripper { return pastTripper{next, o.past} })
	}
	mgr, err := ctrl.NewManager(reached, ctrl.Options{
		Scheme:     scheme.Scheme,
		Cache:      controllers.CacheOptions(append(o.also, o.namespace)...),
		Metrics:    metricsserver.Options{BindAddress: "0"},
		Controller: config.Controller{SkipNameValidation: ptr.To(true)},
		Logger:     GinkgoLogr,
	})
	Expect(err).NotTo(HaveOccurred())
	poller := poll.New(poll.Config{Interval: testPoll, Deadline: time.Second, ShowEvery: time.Second, Log: GinkgoLogr})
	Expect(mgr.Add(poller)).To(Succeed())
	clock := func() time.Time { return time.Now().Add(time.Duration(o.ahead.Load())) }
	reconciler := controllers.New(controllers.Config{
		Client: mgr.GetClient(), Reader: mgr.GetAPIReader(), Events: mgr.GetEventRecorder(controllers.FieldManager), Poller: poller,
		Resolver:    connect.NewResolver(mgr.GetAPIReader(), fallback, clock),
		WorkerImage: "asyncqueue/worker:test", ScaleInWindow: testWindow,
	})
	Expect(reconciler.SetupWithManager(ctx, mgr)).To(Succeed())

	running, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(running) }()
	stop = sync.OnceFunc(func() {
		cancel()
		Expect(<-ended).To(Succeed())
	})
	DeferCleanup(stop)
	o.stop = stop
	return stop
}

const operatorUser = "system:serviceaccount:asyncqueue-system:asyncqueue-manager"

// operatorConfig reaches the API server with the rights of config/rbac and no
// others.
func operatorConfig(ctx context.Context, requests *requestLog, user string) *rest.Config {
	GinkgoHelper()
	role := managerRole()
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: role.Name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role.Name},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.UserKind, Name: operatorUser}},
	}
	for _, object := range []client.Object{role, binding} {
		if err := k8sClient.Create(ctx, object); client.IgnoreAlreadyExists(err) != nil {
			Expect(err).NotTo(HaveOccurred())
		}
	}
	c := rest.CopyConfig(restConfig)
	c.Impersonate.UserName = user
	c.QPS = -1 // no limit, as in the manager
	c.Wrap(func(next http.RoundTripper) http.RoundTripper { return loggingTripper{next, requests} })
	return c
}

// requestLog notes what the operator asks of the API server, and counts watches.
type requestLog struct {
	mu      sync.Mutex
	lines   []string
	watches int
}

func (l *requestLog) since(n int) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string{}, l.lines[n:]...)
}

func (l *requestLog) count() int { return len(l.since(0)) }

// attempts counts requests and watches, whether anybody answered or not.
func (l *requestLog) attempts() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.lines) + l.watches
}

func (l *requestLog) note(r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r.URL.Query().Has("watch") {
		l.watches++
		return
	}
	l.lines = append(l.lines, r.Method+" "+r.URL.Path)
}

// writes are the requests that change something, events excepted.
func (l *requestLog) writes() []string {
	var writes []string
	for _, line := range l.since(0) {
		if !strings.HasPrefix(line, http.MethodGet) && !strings.Contains(line, "/events") {
			writes = append(writes, line)
		}
	}
	return writes
}

type loggingTripper struct {
	next http.RoundTripper
	log  *requestLog
}

func (t loggingTripper) RoundTrip(r *http.Request) (*http.Response, error) {
	t.log.note(r)
	response, err := t.next.RoundTrip(r)
	if err == nil {
		used.note(r, response.StatusCode)
	}
	return response, err
}

// create makes a queue: goodManifest with a change, under a name.
func (o *operator) create(ctx SpecContext, name, change string) *queuev1alpha1.AsyncQueue {
	GinkgoHelper()
	u := manifest(o.namespace, change)
	u.SetName(name)
	Expect(k8sClient.Create(ctx, u)).To(Succeed())
	return o.queue(ctx, name)
}

// update changes a queue's manifest.
func (o *operator) update(ctx SpecContext, name, change string) {
	GinkgoHelper()
	q := &queuev1alpha1.AsyncQueue{ObjectMeta: metav1.ObjectMeta{Namespace: o.namespace, Name: name}}
	Expect(k8sClient.Patch(ctx, q, client.RawPatch(types.MergePatchType, toJSON(change)))).To(Succeed())
}

func (o *operator) queue(ctx context.Context, name string) *queuev1alpha1.AsyncQueue {
	GinkgoHelper()
	q := &queuev1alpha1.AsyncQueue{}
	Expect(k8sClient.Get(ctx, types.NamespacedName{Namespace: o.namespace, Name: name}, q)).To(Succeed())
	return q
}

// get reads a child; its name is empty while it does not exist.
func get[T client.Object](ctx context.Context, o *operator, name string, object T) T {
	GinkgoHelper()
	err := k8sClient.Get(ctx, types.NamespacedName{Namespace: o.namespace, Name: name}, object)
	Expect(client.IgnoreNotFound(err)).To(Succeed())
	return object
}

func (o *operator) deployment(ctx context.Context, queue string) *appsv1.Deployment {
	GinkgoHelper()
	return get(ctx, o, desired.DeploymentName(queue), &appsv1.Deployment{})
}

// awaitDeployment waits for a queue's Deployment with so many replicas.
func (o *operator) awaitDeployment(ctx SpecContext, queue string, replicas int32) *appsv1.Deployment {
	GinkgoHelper()
	var d *appsv1.Deployment
	Eventually(func() int32 {
		d = o.deployment(ctx, queue)
		return ptr.Deref(d.Spec.Replicas, -1)
	}).Should(Equal(replicas))
	return d
}

// awaitCondition waits for a condition as "Status/Reason"; empty: absent.
func (o *operator) awaitCondition(ctx SpecContext, queue, kind, want string) {
	GinkgoHelper()
	Eventually(func() string { return o.condition(ctx, queue, kind) }).Should(Equal(want), kind)
}

func (o *operator) condition(ctx context.Context, queue, kind string) string {
	GinkgoHelper()
	c := meta.FindStatusCondition(o.queue(ctx, queue).Status.Conditions, kind)
	if c == nil {
		return ""
	}
	return string(c.Status) + "/" + c.Reason
}

// playDeployment does what the Deployment controller and the kubelet would do:
// all pods are there and ready, at once.
func (o *operator) playDeployment(ctx SpecContext, queue string) {
	GinkgoHelper()
	o.playStatus(ctx, queue, func(d *appsv1.Deployment) {
		n := *d.Spec.Replicas
		d.Status = appsv1.DeploymentStatus{
			ObservedGeneration: d.Generation, Replicas: n, UpdatedReplicas: n, ReadyReplicas: n, AvailableReplicas: n,
		}
	})
}

func (o *operator) playStatus(ctx SpecContext, queue string, change func(*appsv1.Deployment)) {
	GinkgoHelper()
	Eventually(func() error {
		d := o.deployment(ctx, queue)
		if d.Name == "" {
			return fmt.Errorf("no Deployment of %s yet", queue)
		}
		change(d)
		return k8sClient.Status().Update(ctx, d)
	}).Should(Succeed())
}

// createReady makes a queue with workers that are ready, and waits until the
// operator has said so.
func (o *operator) createReady(ctx SpecContext, name, change string) {
	GinkgoHelper()
	o.create(ctx, name, change)
	o.createdReady(ctx, name)
}

// createdReady is createReady for a queue that was made already.
func (o *operator) createdReady(ctx SpecContext, name string) {
	GinkgoHelper()
	o.playDeployment(ctx, name)
	o.awaitCondition(ctx, name, queuev1alpha1.ConditionReady, "True/Consuming")
}

// secret makes or replaces a Secret.
func (o *operator) secret(ctx SpecContext, name string, data map[string]string) {
	GinkgoHelper()
	s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: o.namespace, Name: name}, StringData: data}
	Expect(client.IgnoreNotFound(k8sClient.Delete(ctx, s))).To(Succeed())
	Expect(k8sClient.Create(ctx, s)).To(Succeed())
}

// push puts messages on a queue of the default Redis.
func (o *operator) push(ctx SpecContext, queue string, n int) {
	GinkgoHelper()
	o.pushTo(ctx, o.queue(ctx, queue).EffectiveChannel(), n)
}

// pushTo is push where the API server need not be there.
func (o *operator) pushTo(ctx SpecContext, channel string, n int) {
	GinkgoHelper()
	for i := range n {
		Expect(o.rdb.LPush(ctx, channel+":waiting", fmt.Sprintf("message %d", i)).Err()).To(Succeed())
	}
}

// awaitNextSecond waits until a queue that is made now is younger: the time of
// creation has whole seconds.
func (o *operator) awaitNextSecond(ctx SpecContext, elder string) {
	GinkgoHelper()
	created := o.queue(ctx, elder).CreationTimestamp.Time
	Eventually(time.Now).Should(BeTemporally(">", created.Add(time.Second)))
}
