package main

import (
	"context"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	queuev1alpha1 "github.com/asyncqueue/operator/api/v1alpha1"
	"github.com/asyncqueue/operator/queue"
)

// look is what the live view sees at one moment.
type look struct {
	counts  queue.Counts
	late    int64 // runs that outlived their handle timeout and go on
	desired int32 // replicas that the Deployment asks for
	ready   int32
	reason  string // the operator's words for the last scaling
	status  string // the Ready condition's reason
}

// view prints a line whenever something changed, and at least every ten seconds.
type view struct {
	story *story
	begin time.Time
	last  string
	at    time.Time
}

func newView(s *story) *view {
	return &view{story: s, begin: time.Now()}
}

// until looks twice a second until done says so. It fails when that takes longer than limit.
func (v *view) until(ctx context.Context, limit time.Duration, done func(look) bool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit,
		fmt.Errorf("the story did not come to its end within %s; see `kubectl describe aq %s`", limit, name))
	defer cancel()
	fmt.Printf("\n\033[1m%8s  %8s %8s %8s %8s %8s  %9s %6s  %s\033[0m\n",
		"time", "waiting", "delayed", "reserved", "timeout", "failed", "replicas", "ready", "state")
	ticker := time.NewTicker(500 * time.Millisecond)
	defer ticker.Stop()
	for {
		l, err := v.story.look(ctx)
		if err != nil {
			return fmt.Errorf("looking: %w", err)
		}
		v.print(l)
		if done(l) {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ticker.C:
		}
	}
}

// print prints a look, if it differs from the last.
func (v *view) print(l look) {
	line := fmt.Sprintf("%8d %8d %8d %8d %8d  %9d %6d  %s",
		l.counts.Waiting, l.counts.Delayed, l.counts.Reserved, l.counts.Timeout, l.counts.Failed, l.desired, l.ready, l.status)
	if line == v.last && time.Since(v.at) < 10*time.Second {
		return
	}
	v.last, v.at = line, time.Now()
	fmt.Printf("%7.1fs  %s\n", time.Since(v.begin).Seconds(), line)
}

// notef prints a remark between the lines.
func (v *view) notef(format string, args ...any) {
	fmt.Printf("          \033[33m-> %s\033[0m\n", fmt.Sprintf(format, args...))
}

// look asks Redis for the messages and Kubernetes for the workers.
func (s *story) look(ctx context.Context) (look, error) {
	var l look
	var err error
	if l.counts, err = s.queue.Counts(ctx, 0); err != nil {
		return l, err
	}
	if l.late, err = s.redis.HLen(ctx, channel+":late").Result(); err != nil {
		return l, err
	}
	deployment := &appsv1.Deployment{}
	err = s.kube.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name + "-worker"}, deployment)
	if client.IgnoreNotFound(err) != nil {
		return l, err
	}
	if deployment.Spec.Replicas != nil {
		l.desired = *deployment.Spec.Replicas
	}
	l.ready = deployment.Status.ReadyReplicas
	aq := &queuev1alpha1.AsyncQueue{}
	if err = s.kube.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, aq); err != nil {
		return l, err
	}
	l.reason = aq.Status.LastScaleReason
	if ready := meta.FindStatusCondition(aq.Status.Conditions, queuev1alpha1.ConditionReady); ready != nil {
		l.status = ready.Reason
	}
	return l, nil
}
