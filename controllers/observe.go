package controllers

import (
	"context"
	"errors"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	queuev1alpha1 "github.com/asyncqueue/operator/api/v1alpha1"
	"github.com/asyncqueue/operator/controllers/connect"
	"github.com/asyncqueue/operator/controllers/desired"
	"github.com/asyncqueue/operator/controllers/poll"
)

// observed is all that a decision depends on.
type observed struct {
	now   time.Time
	queue *queuev1alpha1.AsyncQueue
	// workerImage and scaleInWindow are the operator's configuration.
	workerImage   string
	scaleInWindow time.Duration

	// connection is the queue's Redis; problem, where not nil, is why there is
	// none.
	connection connect.Connection
	problem    *connect.Problem
	// elder is an older queue on the same channel of the same Redis.
	elder *types.NamespacedName
	// sight is what is known about the queue in Redis.
	sight poll.Observation

	// deployment and cronJob are the queue's children as they stand; nil: none.
	deployment *appsv1.Deployment
	cronJob    *batchv1.CronJob
	// taken names objects that stand under a child's name and are not ours.
	deploymentTaken, cronJobTaken bool
	// podTrouble is what keeps pods from becoming ready, in a sentence.
	podTrouble string

	memory *memory
}

// observe reads. It returns nil where the queue is gone or going.
func (r *Reconciler) observe(ctx context.Context, key types.NamespacedName) (*observed, error) {
	q := &queuev1alpha1.AsyncQueue{}
	if err := r.Client.Get(ctx, key, q); err != nil {
		if client.IgnoreNotFound(err) == nil {
			return nil, nil //nolint:nilnil // no queue is no failure
		}
		return nil, fmt.Errorf("reading AsyncQueue: %w", err)
	}
	if q = newest(&r.written, q); !q.DeletionTimestamp.IsZero() {
		return nil, nil //nolint:nilnil // no queue is no failure
	}
	seen := &observed{
		now: r.Clock(), queue: q, memory: r.memories.of(key, q.UID),
		workerImage: r.WorkerImage, scaleInWindow: r.ScaleInWindow,
	}
	for _, read := range []func(context.Context, *observed) error{
		r.observeConnection, r.observeElder, r.observeRedis, r.observeDeployment, r.observeCronJob, r.observePods,
	} {
		if err := read(ctx, seen); err != nil {
			return nil, err
		}
	}
	return seen, nil
}

func (r *Reconciler) observeConnection(ctx context.Context, seen *observed) error {
	connection, err := r.Resolver.Resolve(ctx, seen.queue, secretAge(seen.queue))
	if errors.As(err, &seen.problem) {
		return nil
	}
	seen.connection = connection
	return err
}

// secretAge is how old a Secret may be: it is looked at more often while it may
// be what keeps the queue from working.
func secretAge(q *queuev1alpha1.AsyncQueue) time.Duration {
	c := meta.FindStatusCondition(q.Status.Conditions, queuev1alpha1.ConditionQueueReachable)
	if c == nil || c.Status == metav1.ConditionTrue {
		return connect.Calm
	}
	switch c.Reason {
	case queuev1alpha1.ReasonSecretNotFound, queuev1alpha1.ReasonSecretKeyMissing, queuev1alpha1.ReasonSecretInvalid,
		queuev1alpha1.ReasonRedisAuthenticationFailed, queuev1alpha1.ReasonRedisPermissionDenied, queuev1alpha1.ReasonRedisTLSFailed:
		return connect.Troubled
	}
	return connect.Calm
}

// observeElder looks for an older queue on the same channel of the same Redis.
func (r *Reconciler) observeElder(ctx context.Context, seen *observed) error {
	if seen.problem != nil {
		return nil
	}
	var same queuev1alpha1.AsyncQueueList
	if err := r.Client.List(ctx, &same, client.MatchingFields{channelIndex: seen.queue.EffectiveChannel()}); err != nil {
		return fmt.Errorf("listing AsyncQueues of channel %s: %w", seen.queue.EffectiveChannel(), err)
	}
	for i := range same.Items {
		other := &same.Items[i]
		if !isElder(other, seen.queue) {
			continue
		}
		connection, err := r.Resolver.Resolve(ctx, other, secretAge(other))
		var problem *connect.Problem
		switch {
		case errors.As(err, &problem):
		case err != nil:
			return err
		case connection.Place == seen.connection.Place:
			key := client.ObjectKeyFromObject(other)
			seen.elder = &key
			return nil
		}
	}
	return nil
}

// isElder reports that other goes before q where both claim one channel.
func isElder(other, q *queuev1alpha1.AsyncQueue) bool {
	if other.UID == q.UID || !other.DeletionTimestamp.IsZero() {
		return false
	}
	if !other.CreationTimestamp.Equal(&q.CreationTimestamp) {
		return other.CreationTimestamp.Before(&q.CreationTimestamp)
	}
	return other.UID < q.UID
}

// observeRedis takes what the poller knows, and tells it what to look at.
func (r *Reconciler) observeRedis(_ context.Context, seen *observed) error {
	key := client.ObjectKeyFromObject(seen.queue)
	if seen.problem != nil || seen.elder != nil {
		r.Poller.Forget(key)
		return nil
	}
	r.Poller.Watch(key, targetOf(seen.queue, seen.connection))
	seen.sight = r.Poller.Latest(key)
	return nil
}

func (r *Reconciler) observeDeployment(ctx context.Context, seen *observed) error {
	wanted := seen.problem == nil && seen.elder == nil
	live, taken, err := child(ctx, r, seen.queue, &appsv1.Deployment{}, desired.DeploymentName(seen.queue.Name), wanted)
	seen.deployment, seen.deploymentTaken = live, taken && wanted
	return err
}

func (r *Reconciler) observeCronJob(ctx context.Context, seen *observed) error {
	wanted := seen.problem == nil && seen.elder == nil && seen.queue.Spec.TimeoutReload != nil
	live, taken, err := child(ctx, r, seen.queue, &batchv1.CronJob{}, desired.CronJobName(seen.queue.Name), wanted)
	seen.cronJob, seen.cronJobTaken = live, taken && wanted
	return err
}

// child reads a child by its name. One that is wanted and not in the cache is
// asked for at the API server: the cache holds only what carries our labels, and
// an object that does not must not be overwritten.
func child[T client.Object](ctx context.Context, r *Reconciler, q *queuev1alpha1.AsyncQueue, object T, name string, wanted bool) (live T, taken bool, err error) {
	key := types.NamespacedName{Namespace: q.Namespace, Name: name}
	err = r.Client.Get(ctx, key, object)
	if apierrors.IsNotFound(err) && wanted {
		err = r.Reader.Get(ctx, key, object)
	}
	switch {
	case apierrors.IsNotFound(err):
		return live, false, nil
	case err != nil:
		return live, false, fmt.Errorf("reading %s: %w", name, err)
	case !metav1.IsControlledBy(object, q):
		return live, true, nil
	}
	return newest(&r.written, object), false, nil
}
