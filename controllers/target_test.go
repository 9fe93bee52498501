package controllers

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/ptr"

	queuev1alpha1 "github.com/asyncqueue/operator/api/v1alpha1"
	"github.com/asyncqueue/operator/controllers/autoscale"
)

func TestLimitsOf(t *testing.T) {
	const window = 10 * time.Second
	bare := autoscale.Limits{Max: 5, Target: 10, Concurrency: 10, Idle: time.Minute, In: autoscale.Rules{Window: window}}
	with := func(change func(*autoscale.Limits)) autoscale.Limits {
		l := bare
		change(&l)
		return l
	}
	tests := map[string]struct {
		scaling queuev1alpha1.Autoscaling
		want    autoscale.Limits
	}{
		"nothing said": {queuev1alpha1.Autoscaling{MaxReplicas: 5}, bare},
		"a target": {
			queuev1alpha1.Autoscaling{MaxReplicas: 5, QueueLength: &queuev1alpha1.QueueLength{Target: 30}},
			with(func(l *autoscale.Limits) { l.Target = 30 }),
		},
		"a waiting time alone": {
			queuev1alpha1.Autoscaling{MaxReplicas: 5, WaitTime: &queuev1alpha1.WaitTime{TargetSeconds: 30}},
			with(func(l *autoscale.Limits) { l.Target, l.Wait = 0, 30*time.Second }),
		},
		"both": {
			queuev1alpha1.Autoscaling{MaxReplicas: 5, WaitTime: &queuev1alpha1.WaitTime{TargetSeconds: 30}, QueueLength: &queuev1alpha1.QueueLength{Target: 7}},
			with(func(l *autoscale.Limits) { l.Target, l.Wait = 7, 30*time.Second }),
		},
		"no idle time": {
			queuev1alpha1.Autoscaling{MaxReplicas: 5, IdleSeconds: ptr.To[int32](0)},
			with(func(l *autoscale.Limits) { l.Idle = 0 }),
		},
		"an empty behavior": {queuev1alpha1.Autoscaling{MaxReplicas: 5, Behavior: &queuev1alpha1.ScalingBehavior{}}, bare},
		"rules without a window": {
			queuev1alpha1.Autoscaling{MaxReplicas: 5, Behavior: &queuev1alpha1.ScalingBehavior{
				ScaleUp:   &queuev1alpha1.ScalingRules{SelectPolicy: queuev1alpha1.SelectPolicyMin, Policies: []queuev1alpha1.ScalingPolicy{{Type: "Percent", Value: 100, PeriodSeconds: 15}}},
				ScaleDown: &queuev1alpha1.ScalingRules{SelectPolicy: queuev1alpha1.SelectPolicyDisabled},
			}},
			with(func(l *autoscale.Limits) {
				l.Up = autoscale.Rules{Select: autoscale.SelectMin, Policies: []autoscale.Policy{{Kind: autoscale.Percent, Value: 100, Period: 15 * time.Second}}}
				l.In.Select = autoscale.SelectDisabled
			}),
		},
		"windows of its own": {
			queuev1alpha1.Autoscaling{MaxReplicas: 5, Behavior: &queuev1alpha1.ScalingBehavior{
				ScaleUp:   &queuev1alpha1.ScalingRules{StabilizationWindowSeconds: ptr.To[int32](30)},
				ScaleDown: &queuev1alpha1.ScalingRules{StabilizationWindowSeconds: ptr.To[int32](0)},
			}},
			with(func(l *autoscale.Limits) { l.Up.Window, l.In.Window = 30*time.Second, 0 }),
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			q := &queuev1alpha1.AsyncQueue{}
			q.Spec.Concurrency, q.Spec.Autoscaling = 10, &tc.scaling
			if diff := cmp.Diff(tc.want, limitsOf(q, window)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestAheadOf(t *testing.T) {
	q := &queuev1alpha1.AsyncQueue{}
	if got := aheadOf(q); got != 10*time.Second {
		t.Errorf("%s without autoscaling", got)
	}
	q.Spec.Autoscaling = &queuev1alpha1.Autoscaling{ScheduleAheadSeconds: ptr.To[int32](0)}
	if got := aheadOf(q); got != 0 {
		t.Errorf("%s, want 0", got)
	}
}
