package controllers

import (
	"context"
	"errors"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/asyncqueue/operator/controllers/connect"
	"github.com/asyncqueue/operator/controllers/poll"
)

// FieldManager owns the fields that the operator applies.
const FieldManager = "asyncqueue-operator"

// +kubebuilder:rbac:groups=queue.asyncqueue.dev,resources=asyncqueues,verbs=list;watch
// +kubebuilder:rbac:groups=queue.asyncqueue.dev,resources=asyncqueues/status,verbs=patch
// +kubebuilder:rbac:groups=queue.asyncqueue.dev,resources=asyncqueues/finalizers,verbs=update
// +kubebuilder:rbac:groups=apps,resources=deployments,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=batch,resources=cronjobs,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups="",resources=pods,verbs=list;patch
// +kubebuilder:rbac:groups="",resources=secrets,verbs=get
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create
// +kubebuilder:rbac:groups=authentication.k8s.io,resources=tokenreviews,verbs=create
// +kubebuilder:rbac:groups=authorization.k8s.io,resources=subjectaccessreviews,verbs=create

// Config is what a Reconciler works with. All fields are required unless said
// otherwise.
type Config struct {
	// Client reads AsyncQueues and their children from a cache, and writes.
	Client client.Client
	// Reader reads what is not in the cache: pods, and objects that may not be
	// ours.
	Reader client.Reader
	// Events records what happened.
	Events events.EventRecorder
	// Poller looks at the queues.
	Poller *poll.Poller
	// Resolver finds the queues' Redis.
	Resolver *connect.Resolver
	// WorkerImage is the operator's worker image.
	WorkerImage string
	// ScaleInWindow is how long a smaller size must be called for before it is
	// taken. Zero: at once.
	ScaleInWindow time.Duration
	// Clock tells the time. Default time.Now.
	Clock func() time.Time
}

// Reconciler makes what an AsyncQueue asks for. It is safe for concurrent use.
type Reconciler struct {
	Config

	written  ledger
	memories memories
	metrics  metrics
	pacer    pacer
}

// New returns a Reconciler.
func New(config Config) *Reconciler {
	if config.Clock == nil {
		config.Clock = time.Now
	}
	return &Reconciler{Config: config, pacer: newPacer()}
}

// Reconcile brings one queue closer to its spec and its status up to date.
func (r *Reconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	seen, err := r.observe(ctx, request.NamespacedName)
	if err != nil {
		return reconcile.Result{}, err
	}
	if seen == nil {
		r.forget(request.NamespacedName)
		return reconcile.Result{}, nil
	}
	p := decide(seen)
	waits, rankErr := r.rank(ctx, seen, p)
	if waits {
		seen.waits = true
		p = decide(seen)
	}
	done := r.apply(ctx, seen, p)
	if done.isEnding() {
		return reconcile.Result{}, nil
	}
	seen.memory.keep(p)
	if err := r.report(ctx, seen, p, done); err != nil {
		return reconcile.Result{}, err
	}
	if err := errors.Join(done.transient(), rankErr); err != nil {
		return reconcile.Result{}, err
	}
	return reconcile.Result{RequeueAfter: again(seen, p, done)}, nil
}

// forget drops what is kept about a queue that is gone. Its children go by
// garbage collection, its messages stay.
func (r *Reconciler) forget(key types.NamespacedName) {
	r.Poller.Forget(key)
	r.written.forget(key)
	r.memories.forget(key)
	r.metrics.forget(key)
}
