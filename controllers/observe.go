package controllers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
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

// rivalPatience is how long a queue waits after the workers of an older one were
// last seen on its channel.
const rivalPatience = 30 * time.Second

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
	// elder is an older queue on the same channel of the same Redis, one of elders,
	// which are those of the same channel anywhere.
	elder  *types.NamespacedName
	elders []*queuev1alpha1.AsyncQueue
	// known are the UIDs of all queues of the channel, this one's included, and
	// stranger one that is none of them and whose workers consume the queue.
	known    []string
	stranger string
	// sight is what is known about the queue in Redis.
	sight poll.Observation

	// deployment and cronJob are the queue's children as they stand; nil: none.
	deployment *appsv1.Deployment
	cronJob    *batchv1.CronJob
	// taken names objects that stand under a child's name and are not ours.
	deploymentTaken, cronJobTaken bool
	// leaving says that these were children of a deleted queue of the same name,
	// which the garbage collector takes away.
	leaving bool
	// podTrouble is what keeps pods from becoming ready, in a sentence.
	podTrouble string

	// waits says that a scale-in is to wait until the pods' ranks are known.
	waits bool

	memory *memory
}

// hasRedis reports that it is known where the queue's Redis is.
func (s *observed) hasRedis() bool { return s.problem == nil }

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
	if seen.memory.since.IsZero() {
		seen.memory.since = seen.now
	}
	for _, read := range []func(context.Context, *observed) error{
		r.observeConnection, r.observeElders, r.observeRedis, r.observeDeployment, r.observeCronJob, r.observePods,
	} {
		if err := read(ctx, seen); err != nil {
			return nil, err
		}
	}
	return seen, nil
}

func (r *Reconciler) observeConnection(ctx context.Context, seen *observed) error {
	var err error
	seen.connection, seen.problem, err = r.resolve(ctx, seen.queue)
	return err
}

// resolve finds a queue's Redis, or the problem that keeps it from being found.
func (r *Reconciler) resolve(ctx context.Context, q *queuev1alpha1.AsyncQueue) (connect.Connection, *connect.Problem, error) {
	connection, err := r.Resolver.Resolve(ctx, q, secretAge(q))
	var problem *connect.Problem
	if errors.As(err, &problem) {
		err = nil
	}
	return connection, problem, err
}

// secretAge is how old a Secret may be: it is looked at more often while it may
// be what keeps the queue from working.
func secretAge(q *queuev1alpha1.AsyncQueue) time.Duration {
	c := meta.FindStatusCondition(q.Status.Conditions, queuev1alpha1.ConditionQueueReachable)
	if c == nil || c.Status == metav1.ConditionTrue {
		return connect.Calm
	}
	if isSecretTrouble(c.Reason) {
		return connect.Troubled
	}
	return connect.Calm
}

// isSecretTrouble says that another content of a Secret may cure the trouble.
func isSecretTrouble(reason string) bool {
	switch reason {
	case queuev1alpha1.ReasonSecretNotFound, queuev1alpha1.ReasonSecretKeyMissing, queuev1alpha1.ReasonSecretInvalid,
		queuev1alpha1.ReasonRedisAuthenticationFailed, queuev1alpha1.ReasonRedisPermissionDenied, queuev1alpha1.ReasonRedisTLSFailed:
		return true
	}
	return false
}

// observeElders looks for older queues of the same channel, and whether one of
// them is on the same Redis.
func (r *Reconciler) observeElders(ctx context.Context, seen *observed) error {
	if !seen.hasRedis() {
		return nil
	}
	var same queuev1alpha1.AsyncQueueList
	if err := r.Client.List(ctx, &same, client.MatchingFields{channelIndex: seen.queue.EffectiveChannel()}); err != nil {
		return fmt.Errorf("listing AsyncQueues of channel %s: %w", seen.queue.EffectiveChannel(), err)
	}
	for i := range same.Items {
		seen.known = append(seen.known, string(same.Items[i].UID))
	}
	for i := range same.Items {
		other := &same.Items[i]
		if !isElder(other, seen.queue) {
			continue
		}
		seen.elders = append(seen.elders, other)
		connection, problem, err := r.resolve(ctx, other)
		if err != nil {
			return err
		}
		isUnknown := connection.Place == nil && problem != nil && !problem.Stalled
		if connection.Place.Meets(seen.connection.Place) || isUnknown && isConflictKnown(seen.queue, other) {
			seen.elder = keyOf(other)
			return nil
		}
	}
	return nil
}

// findRival looks for an older queue whose workers consume this one's messages,
// or did so until a moment ago. One Redis has many addresses: this finds conflicts
// that the addresses do not show, as long as the other queue has workers.
func findRival(seen *observed) *types.NamespacedName {
	m := seen.memory
	for _, other := range seen.elders {
		if slices.Contains(seen.sight.Owners, string(other.UID)) {
			m.rival, m.rivalAt = other.UID, seen.now
		}
		if seen.sight.At.IsZero() && isConflictKnown(seen.queue, other) {
			return keyOf(other)
		}
		if m.rival == other.UID && isRecent(seen) {
			return keyOf(other)
		}
	}
	return nil
}

// isRecent says that the rival's workers may still be there: they were seen a moment
// ago, or could not be seen. After an outage they get time to come back first.
func isRecent(seen *observed) bool {
	last := seen.memory.rivalAt
	if seen.sight.Since.After(last) {
		last = seen.sight.Since
	}
	return seen.sight.Fault != nil || seen.now.Sub(last) < rivalPatience
}

// isConflictKnown says that the status of q names other as the owner of its
// channel. That stands until more is known, as after a change of leader.
func isConflictKnown(q, other *queuev1alpha1.AsyncQueue) bool {
	c := meta.FindStatusCondition(q.Status.Conditions, queuev1alpha1.ConditionChannelConflict)
	return c != nil && c.Status == metav1.ConditionTrue && c.ObservedGeneration == q.Generation &&
		strings.Contains(c.Message, "AsyncQueue "+keyOf(other).String()+" ")
}

func keyOf(q *queuev1alpha1.AsyncQueue) *types.NamespacedName {
	return &types.NamespacedName{Namespace: q.Namespace, Name: q.Name}
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
	if !seen.hasRedis() || seen.elder != nil {
		r.Poller.Forget(key)
		return nil
	}
	r.Poller.Watch(key, targetOf(seen.queue, seen.connection))
	seen.sight = r.Poller.Latest(key)
	seen.elder = findRival(seen)
	seen.stranger = findStranger(seen)
	return nil
}

func (r *Reconciler) observeDeployment(ctx context.Context, seen *observed) error {
	wanted := seen.hasRedis() && seen.elder == nil
	live, whose, err := child(ctx, r, seen.queue, &appsv1.Deployment{}, desired.DeploymentName(seen.queue.Name), wanted)
	if err == nil && live != nil && startsScaling(seen) {
		live, err = r.asItIs(ctx, live)
	}
	seen.deployment, seen.deploymentTaken = live, wanted && whose != ours
	seen.leaving = seen.leaving || wanted && whose == formers
	return err
}

// startsScaling says that the size goes on from that of the Deployment.
func startsScaling(seen *observed) bool {
	return seen.memory.size == nil && seen.queue.Spec.Autoscaling != nil && !seen.queue.Spec.Suspend
}

// asItIs reads a Deployment at the API server. A cache may be filled with what was
// long ago, by an API server that lags behind the one that the last leader wrote to:
// a size to go on from must not come from there.
func (r *Reconciler) asItIs(ctx context.Context, cached *appsv1.Deployment) (*appsv1.Deployment, error) {
	live := &appsv1.Deployment{}
	switch err := r.Reader.Get(ctx, client.ObjectKeyFromObject(cached), live); {
	case apierrors.IsNotFound(err):
		return nil, nil //nolint:nilnil // no Deployment is no failure
	case err != nil:
		return cached, fmt.Errorf("reading %s: %w", cached.Name, err)
	case live.UID != cached.UID:
		return cached, nil
	}
	r.remember(ctx, live)
	return live, nil
}

func (r *Reconciler) observeCronJob(ctx context.Context, seen *observed) error {
	wanted := seen.hasRedis() && seen.elder == nil && seen.queue.Spec.TimeoutReload != nil
	live, whose, err := child(ctx, r, seen.queue, &batchv1.CronJob{}, desired.CronJobName(seen.queue.Name), wanted)
	seen.cronJob, seen.cronJobTaken = live, wanted && whose != ours
	seen.leaving = seen.leaving || wanted && whose == formers
	return err
}

// owner says whose an object under a child's name is.
type owner int

const (
	// ours is the queue's, or nobody's since it does not exist.
	ours owner = iota
	// formers was made for a deleted queue of the same name.
	formers
	// others is anybody else's.
	others
)

// child reads a child by its name. One that is wanted and not in the cache is
// asked for at the API server: the cache holds only what carries our labels, and
// an object that does not must not be overwritten.
func child[T client.Object](ctx context.Context, r *Reconciler, q *queuev1alpha1.AsyncQueue, object T, name string, wanted bool) (live T, whose owner, err error) {
	key := types.NamespacedName{Namespace: q.Namespace, Name: name}
	err = r.Client.Get(ctx, key, object)
	if apierrors.IsNotFound(err) && wanted {
		err = r.Reader.Get(ctx, key, object)
	}
	switch {
	case apierrors.IsNotFound(err):
		return live, ours, nil
	case err != nil:
		return live, ours, fmt.Errorf("reading %s: %w", name, err)
	case !metav1.IsControlledBy(object, q):
		return live, ownerOf(object, q), nil
	}
	return newest(&r.written, object), ours, nil
}

// ownerOf says whose an object is that stands under a name of q's child and is not
// q's.
func ownerOf(object client.Object, q *queuev1alpha1.AsyncQueue) owner {
	of := metav1.GetControllerOf(object)
	if of != nil && of.Kind == queuev1alpha1.Kind && of.Name == q.Name && strings.HasPrefix(of.APIVersion, queuev1alpha1.GroupVersion.Group+"/") {
		return formers
	}
	return others
}
