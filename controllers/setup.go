package controllers

import (
	"context"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	queuev1alpha1 "github.com/asyncqueue/operator/api/v1alpha1"
	"github.com/asyncqueue/operator/controllers/desired"
)

const (
	// channelIndex finds AsyncQueues by their channel.
	channelIndex = "effectiveChannel"
	// parallel is how many queues are reconciled at once. A reconcile waits for
	// nothing but the API server.
	parallel = 8
	// longest is how long a reconcile may wait for the API server.
	longest = time.Minute
	// Failed reconciles are tried again after this long at first and at most.
	firstRetry = 200 * time.Millisecond
	lastRetry  = 30 * time.Second
)

// CacheOptions keeps children of other owners out of the manager's cache, and of
// the rest what the operator does not read. It holds what is in these namespaces,
// or in all where none is named.
func CacheOptions(namespaces ...string) cache.Options {
	ours := labels.SelectorFromSet(labels.Set{desired.LabelManagedBy: desired.ManagedBy})
	options := cache.Options{
		ByObject: map[client.Object]cache.ByObject{
			&queuev1alpha1.AsyncQueue{}: {Transform: cborPacker[queuev1alpha1.AsyncQueue]().transform},
			&appsv1.Deployment{}:        {Label: ours, Transform: protobufPacker[appsv1.Deployment]().transform},
			&batchv1.CronJob{}:          {Label: ours, Transform: protobufPacker[batchv1.CronJob]().transform},
		},
	}
	for _, namespace := range namespaces {
		if options.DefaultNamespaces == nil {
			options.DefaultNamespaces = map[string]cache.Config{}
		}
		options.DefaultNamespaces[namespace] = cache.Config{}
	}
	return options
}

// slim drops from an object that goes into the cache what is never read there:
// half of a small object's bytes say who owns its fields, of whom only meddlers are
// kept, and kubectl's copy of the manifest is most of the rest.
func slim(o client.Object) {
	var kept []metav1.ManagedFieldsEntry
	if _, isQueue := o.(*queuev1alpha1.AsyncQueue); !isQueue {
		kept = meddlers(o.GetManagedFields())
	}
	o.SetManagedFields(kept)
	delete(o.GetAnnotations(), corev1.LastAppliedConfigAnnotation)
}

// SetupWithManager registers the reconciler, and what wakes it, with a manager
// whose cache has CacheOptions.
func (r *Reconciler) SetupWithManager(ctx context.Context, mgr manager.Manager) error {
	index := func(o client.Object) []string { return []string{channelOf(o)} }
	if err := mgr.GetFieldIndexer().IndexField(ctx, &queuev1alpha1.AsyncQueue{}, channelIndex, index); err != nil {
		return fmt.Errorf("indexing AsyncQueues by channel: %w", err)
	}
	err := builder.ControllerManagedBy(mgr).
		Named("asyncqueue").
		// A status that we wrote is no reason to look again.
		For(&queuev1alpha1.AsyncQueue{}, builder.WithPredicates(r.catchUp(), predicate.GenerationChangedPredicate{})).
		Owns(&appsv1.Deployment{}, builder.WithPredicates(r.catchUp())).
		Owns(&batchv1.CronJob{}, builder.WithPredicates(r.catchUp())).
		Watches(&queuev1alpha1.AsyncQueue{}, handler.EnqueueRequestsFromMapFunc(r.sameChannel), builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		WatchesRawSource(source.Func(r.wakeUps)).
		WithOptions(controller.Options{
			MaxConcurrentReconciles: parallel,
			// A manager that stands by knows all queues already when its turn comes.
			EnableWarmup:          ptr.To(true),
			ReconciliationTimeout: longest,
			RateLimiter:           workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](firstRetry, lastRetry),
		}).
		Complete(r)
	if err != nil {
		return fmt.Errorf("setting up the controller: %w", err)
	}
	return nil
}

// catchUp forgets what was written once the cache holds it. It lets every event
// pass.
func (r *Reconciler) catchUp() predicate.Predicate {
	return predicate.NewPredicateFuncs(func(o client.Object) bool {
		_ = newest(&r.written, o)
		return true
	})
}

// remember keeps what was written until the cache holds it. The event that says so
// may have come before the answer to the write.
func (r *Reconciler) remember(ctx context.Context, o client.Object) {
	slim(o)
	r.written.note(o)
	cached := o.DeepCopyObject().(client.Object)
	if err := r.Client.Get(ctx, client.ObjectKeyFromObject(o), cached); err == nil {
		_ = newest(&r.written, cached)
	}
}

// wakeUps lets the poller's wake-ups go straight to the controller's queue, which
// never blocks and takes a queue that is there already only once.
func (r *Reconciler) wakeUps(_ context.Context, requests workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
	r.Poller.OnWake(func(key types.NamespacedName) { requests.Add(reconcile.Request{NamespacedName: key}) })
	return nil
}

// sameChannel returns the other queues of a queue's channel: one of them may own
// the channel now, or no longer.
func (r *Reconciler) sameChannel(ctx context.Context, o client.Object) []reconcile.Request {
	var same queuev1alpha1.AsyncQueueList
	if err := r.Client.List(ctx, &same, client.MatchingFields{channelIndex: channelOf(o)}); err != nil {
		return nil // a list from the cache fails only while the manager stops
	}
	var requests []reconcile.Request
	for i := range same.Items {
		if same.Items[i].UID != o.GetUID() {
			requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&same.Items[i])})
		}
	}
	return requests
}

// channelOf is the channel of a queue from the cache.
func channelOf(o client.Object) string {
	return unpacked(o).(*queuev1alpha1.AsyncQueue).EffectiveChannel()
}
