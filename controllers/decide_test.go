package controllers

import (
	"errors"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	queuev1alpha1 "github.com/asyncqueue/operator/api/v1alpha1"
	"github.com/asyncqueue/operator/controllers/connect"
	"github.com/asyncqueue/operator/controllers/desired"
	"github.com/asyncqueue/operator/controllers/poll"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// scene is a healthy queue of one worker, with changes.
func scene(changes ...func(*observed)) *observed {
	seen := &observed{
		now:         noon,
		workerImage: "asyncqueue/worker:test",
		connection:  connect.Connection{Pods: desired.Redis{URL: "redis://redis:6379/0"}},
		memory:      &memory{},
		queue: &queuev1alpha1.AsyncQueue{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "orders", UID: "uid", Generation: 1},
			Spec: queuev1alpha1.AsyncQueueSpec{
				Timeouts:    queuev1alpha1.Timeouts{PopSeconds: 2, HandleSeconds: 10, RetrySeconds: []int32{5}},
				Concurrency: 10, Replicas: ptr.To[int32](1),
			},
			Status: queuev1alpha1.AsyncQueueStatus{ObservedGeneration: 1, DesiredReplicas: 1},
		},
		deployment: &appsv1.Deployment{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "orders-worker", Generation: 1},
			Spec:       appsv1.DeploymentSpec{Replicas: ptr.To[int32](1)},
			Status:     appsv1.DeploymentStatus{ObservedGeneration: 1, Replicas: 1, UpdatedReplicas: 1, ReadyReplicas: 1},
		},
		sight: poll.Observation{At: noon, ShownAt: noon},
	}
	for _, change := range changes {
		change(seen)
	}
	return seen
}

// Changes of a scene.
func suspended(s *observed) { s.queue.Spec.Suspend = true }
func reloaded(s *observed) {
	s.queue.Spec.TimeoutReload = &queuev1alpha1.TimeoutReload{Schedule: "@hourly"}
}
func withCronJob(s *observed) {
	s.cronJob = &batchv1.CronJob{ObjectMeta: metav1.ObjectMeta{Name: "orders-reload"}}
}
func paused(s *observed)       { s.cronJob.Spec.Suspend = ptr.To(true) }
func noDeployment(s *observed) { s.deployment = nil }
func statusLost(s *observed)   { s.queue.Status = queuev1alpha1.AsyncQueueStatus{} }
func neverSeen(s *observed)    { s.sight = poll.Observation{} }
func conflicting(s *observed) {
	s.elder = &types.NamespacedName{Namespace: "other", Name: "elder"}
	s.sight = poll.Observation{}
}

func unreachable(s *observed) {
	s.sight.Fault = &poll.Fault{Reason: queuev1alpha1.ReasonRedisUnreachable, Message: "no answer"}
}

func troubled(reason string, stalled bool) func(*observed) {
	return func(s *observed) {
		s.problem = &connect.Problem{Reason: reason, Message: "trouble", Stalled: stalled}
		s.sight = poll.Observation{}
	}
}

// standing is a Deployment of so many.
func standing(n int32) func(*observed) { return func(s *observed) { s.deployment.Spec.Replicas = &n } }

func windowed(s *observed) { s.scaleInWindow = 10 * time.Second }

// remembered is a size that was asked for by this process.
func remembered(n int32) func(*observed) { return func(s *observed) { s.memory.size = &n } }

// lateBy lets time pass without a look; the decision before it saw a backlog.
func lateBy(d time.Duration) func(*observed) {
	return func(s *observed) {
		windowed(s)
		s.sight.Backlog.Waiting = 50
		s.memory.scaling = decide(s).scalingState()
		s.sight.Backlog.Waiting = 10
		s.memory.scaling = decide(s).scalingState()
		s.now = s.now.Add(d)
	}
}

func scaling(least, most int32) func(*observed) {
	return func(s *observed) {
		s.queue.Spec.Autoscaling = &queuev1alpha1.Autoscaling{
			MinReplicas: least, MaxReplicas: most, QueueLength: &queuev1alpha1.QueueLength{Target: 10}, IdleSeconds: ptr.To[int32](60),
		}
	}
}

func waiting(n int64) func(*observed) { return func(s *observed) { s.sight.Backlog.Waiting = n } }

func workers(replicas, updated, ready int32) func(*observed) {
	return func(s *observed) {
		s.deployment.Status.Replicas, s.deployment.Status.UpdatedReplicas, s.deployment.Status.ReadyReplicas = replicas, updated, ready
	}
}

func foreigners(f poll.Foreigners) func(*observed) {
	return func(s *observed) { s.sight.Consumers = f }
}

func intake(state queuev1alpha1.IntakeState) func(*observed) {
	return func(s *observed) { s.queue.Spec.Intake = &queuev1alpha1.Intake{State: state} }
}

// gate is what became of the gate in Redis.
func gate(closed bool, fault *poll.Fault) func(*observed) {
	return func(s *observed) {
		s.sight.Gate = poll.GateSight{Gate: poll.Gate{Key: "c:IS_PUSH_orders", Closed: closed}, Fault: fault}
	}
}

func TestDecide(t *testing.T) {
	tests := map[string]struct {
		seen           *observed
		wantReplicas   int32
		wantReason     string
		wantDeployment step
		wantCronJob    step
	}{
		"a plain queue":                     {scene(), 1, "Spec", ensure, remove},
		"with timeoutReload":                {scene(reloaded), 1, "Spec", ensure, ensure},
		"suspended":                         {scene(suspended, reloaded), 0, "Suspended", ensure, ensure},
		"Redis away":                        {scene(unreachable), 1, "Spec", ensure, remove},
		"a Secret missing":                  {scene(troubled("SecretNotFound", false)), 1, "Spec", adjust, remove},
		"a Secret missing, suspended":       {scene(suspended, reloaded, troubled("SecretNotFound", false)), 0, "Suspended", adjust, adjust},
		"an elder on the channel":           {scene(conflicting, reloaded), 0, "ChannelConflict", remove, remove},
		"a stranger's Deployment":           {scene(reloaded, func(s *observed) { s.deploymentTaken = true }), 1, "Spec", leave, ensure},
		"a stranger's CronJob":              {scene(reloaded, func(s *observed) { s.cronJobTaken = true }), 1, "Spec", ensure, leave},
		"scaled by the backlog":             {scene(scaling(0, 5), waiting(25)), 3, "Backlog", ensure, remove},
		"scaled, at most":                   {scene(scaling(0, 2), waiting(25)), 2, "AtMaximum", ensure, remove},
		"scaled, Redis away":                {scene(scaling(0, 5), waiting(25), unreachable), 1, "NoData", ensure, remove},
		"scaled, never seen":                {scene(scaling(3, 5), neverSeen), 3, "NoData", ensure, remove},
		"scaled and suspended":              {scene(scaling(3, 5), suspended), 0, "Suspended", ensure, remove},
		"a new queue that scales":           {scene(scaling(0, 5), waiting(90), statusLost, noDeployment), 1, "Initial", ensure, remove},
		"a new one above its starting size": {scene(scaling(3, 5), statusLost, noDeployment), 3, "Initial", ensure, remove},
		"a lost status is no new queue":     {scene(scaling(0, 9), statusLost, standing(7), windowed), 7, "Stabilizing", ensure, remove},
		"a status that was not written":     {scene(scaling(0, 9), standing(7), windowed), 7, "Stabilizing", ensure, remove},
		"made larger by hand":               {scene(scaling(0, 9), waiting(1), standing(7), remembered(1)), 1, "Backlog", ensure, remove},
		"counts from before a failed look":  {scene(scaling(0, 9), remembered(5), standing(5), lateBy(time.Hour)), 5, "Stabilizing", ensure, remove},
		"a scale-in that waits for ranks":   {scene(func(s *observed) { s.queue.Status.DesiredReplicas, s.waits = 4, true }, standing(4)), 4, "Spec", ensure, remove},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			p := decide(tc.seen)
			if p.replicas != tc.wantReplicas || p.reason != tc.wantReason || p.deploymentStep != tc.wantDeployment || p.cronJobStep != tc.wantCronJob {
				t.Errorf("%d %s, Deployment %d, CronJob %d; want %d %s, %d, %d (%s)",
					p.replicas, p.reason, p.deploymentStep, p.cronJobStep, tc.wantReplicas, tc.wantReason, tc.wantDeployment, tc.wantCronJob, p.message)
			}
			if (p.deploymentStep == ensure) != (p.deployment != nil) || (p.cronJobStep == ensure) != (p.cronJob != nil) {
				t.Error("a step without its object, or the other way round")
			}
		})
	}
}

func invalid(kind string) error {
	return apierrors.NewInvalid(schema.GroupKind{Kind: kind}, "x", nil)
}

// judgeCase is a scene with what is to be said of it.
type judgeCase struct {
	seen    *observed
	outcome outcome
	// want has the conditions as Status/Reason that the case is about.
	want map[string]string
}

func judgeCases() map[string]judgeCase {
	starting := workers(3, 3, 1)
	three := func(s *observed) { s.queue.Spec.Replicas = ptr.To[int32](3) }
	failing := func(s *observed) { s.podTrouble = "container worker: bad" }
	return map[string]judgeCase{
		"all is well": {scene(), outcome{}, map[string]string{
			"Ready": "True/Consuming", "Reconciling": "", "Stalled": "", "WorkersAvailable": "True/Consuming", "QueueReachable": "True/Reachable",
			"ScalingActive": "", "TimeoutReloadScheduled": "", "Suspended": "False/NotSuspended", "ChannelConflict": "False/SoleOwner",
		}},
		"not looked at yet": {scene(neverSeen), outcome{}, map[string]string{
			"Ready": "False/Progressing", "Reconciling": "True/Progressing", "QueueReachable": "Unknown/NotObserved",
		}},
		"Redis away": {scene(unreachable, scaling(0, 5)), outcome{}, map[string]string{
			"Ready": "False/RedisUnreachable", "Reconciling": "True/RedisUnreachable", "Stalled": "", "ScalingActive": "False/RedisUnreachable",
		}},
		"a Secret missing": {scene(troubled("SecretNotFound", false), noDeployment), outcome{}, map[string]string{
			"Ready": "False/SecretNotFound", "Reconciling": "True/SecretNotFound", "Stalled": "", "QueueReachable": "False/SecretNotFound", "ChannelConflict": "",
		}},
		"no Redis": {scene(troubled("NoRedis", true), noDeployment), outcome{}, map[string]string{
			"Ready": "False/NoRedis", "Reconciling": "", "Stalled": "True/NoRedis",
		}},
		"an elder on the channel": {scene(conflicting, reloaded), outcome{}, map[string]string{
			"Ready": "False/ChannelConflict", "Stalled": "True/ChannelConflict", "ChannelConflict": "True/ChannelConflict",
			"TimeoutReloadScheduled": "False/ChannelConflict", "WorkersAvailable": "False/ChannelConflict", "QueueReachable": "Unknown/NotObserved",
		}},
		"a stranger's Deployment": {scene(noDeployment, func(s *observed) { s.deploymentTaken = true }), outcome{}, map[string]string{
			"Ready": "False/NameConflict", "Stalled": "True/NameConflict", "Reconciling": "",
		}},
		"a stranger's CronJob": {scene(reloaded, func(s *observed) { s.cronJobTaken = true }), outcome{}, map[string]string{
			"Ready": "False/NameConflict", "WorkersAvailable": "True/Consuming", "TimeoutReloadScheduled": "False/NameConflict",
		}},
		"a refused Deployment": {scene(), outcome{deployment: invalid("Deployment")}, map[string]string{
			"Ready": "False/InvalidPodTemplate", "Stalled": "True/InvalidPodTemplate",
		}},
		"a refused CronJob": {scene(reloaded), outcome{cronJob: invalid("CronJob")}, map[string]string{
			"Ready": "False/InvalidSchedule", "Stalled": "True/InvalidSchedule", "TimeoutReloadScheduled": "False/InvalidSchedule", "WorkersAvailable": "True/Consuming",
		}},
		"a failed write": {scene(), outcome{deployment: errors.New("quota")}, map[string]string{
			"Ready": "False/ApplyFailed", "Reconciling": "True/ApplyFailed", "Stalled": "",
		}},
		"workers start": {scene(three, starting), outcome{}, map[string]string{
			"Ready": "False/WorkersStarting", "WorkersAvailable": "False/WorkersStarting",
		}},
		"more workers start while it scales": {scene(scaling(0, 5), waiting(25), starting), outcome{}, map[string]string{
			"Ready": "True/Consuming", "Reconciling": "", "WorkersAvailable": "False/WorkersStarting", "ScalingActive": "True/Backlog",
		}},
		"fewer than the minimum while it scales": {scene(scaling(2, 5), waiting(25), starting), outcome{}, map[string]string{
			"Ready": "False/WorkersStarting",
		}},
		"waking from zero": {scene(scaling(0, 5), waiting(1), workers(1, 1, 0)), outcome{}, map[string]string{
			"Ready": "False/WorkersStarting",
		}},
		"old workers are replaced": {scene(workers(2, 1, 1)), outcome{}, map[string]string{
			"Ready": "False/WorkersStarting", "WorkersAvailable": "False/WorkersStarting",
		}},
		"pods are troubled": {scene(failing, workers(1, 1, 0)), outcome{}, map[string]string{
			"Ready": "False/WorkersFailing", "Reconciling": "True/WorkersFailing", "Stalled": "", "WorkersAvailable": "False/WorkersFailing",
		}},
		"troubled pods while it scales": {scene(scaling(0, 5), waiting(25), failing, starting), outcome{}, map[string]string{
			"Ready": "False/WorkersFailing",
		}},
		"a rollout that stands still": {scene(workers(2, 1, 1), func(s *observed) {
			s.deployment.Status.Conditions = []appsv1.DeploymentCondition{{Type: appsv1.DeploymentProgressing, Status: corev1.ConditionFalse}}
		}), outcome{}, map[string]string{"Ready": "False/WorkersFailing"}},
		"a Deployment that its controller has not seen": {scene(func(s *observed) {
			s.queue.Generation, s.deployment.Generation = 2, 2
		}), outcome{}, map[string]string{"Ready": "False/Progressing", "WorkersAvailable": "True/Consuming"}},
		"suspended, draining": {scene(suspended, reloaded, withCronJob, paused), outcome{}, map[string]string{
			"Ready": "False/Draining", "Reconciling": "True/Draining", "WorkersAvailable": "False/Draining", "Suspended": "True/Suspended",
			"TimeoutReloadScheduled": "False/Suspended",
		}},
		"suspended, a pod terminating": {scene(suspended, workers(0, 0, 0), func(s *observed) {
			s.deployment.Status.TerminatingReplicas = ptr.To[int32](1)
		}), outcome{}, map[string]string{"Ready": "False/Draining"}},
		"suspended and drained": {scene(suspended, scaling(0, 5), workers(0, 0, 0)), outcome{}, map[string]string{
			"Ready": "True/Suspended", "Reconciling": "", "WorkersAvailable": "True/Suspended", "ScalingActive": "False/Suspended",
		}},
		"scaled to zero": {scene(scaling(0, 5), standing(0), workers(0, 0, 0), func(s *observed) { s.queue.Status.DesiredReplicas = 0 }), outcome{}, map[string]string{
			"Ready": "True/ScaledToZero", "WorkersAvailable": "True/ScaledToZero", "ScalingActive": "True/ScaledToZero",
		}},
		"suspended, but the CronJob is not yet": {scene(suspended, reloaded, withCronJob), outcome{cronJob: errors.New("quota")}, map[string]string{
			"TimeoutReloadScheduled": "False/ApplyFailed",
		}},
		"resumed without its Secret, the CronJob paused still": {scene(reloaded, withCronJob, paused, troubled("SecretNotFound", false)), outcome{cronJob: errors.New("quota")}, map[string]string{
			"TimeoutReloadScheduled": "False/ApplyFailed",
		}},
		"a former queue's Deployment": {scene(noDeployment, func(s *observed) { s.deploymentTaken, s.leaving = true, true }), outcome{}, map[string]string{
			"Ready": "False/Progressing", "Reconciling": "True/Progressing", "Stalled": "",
		}},
		"a former queue's CronJob": {scene(reloaded, func(s *observed) { s.cronJobTaken, s.leaving = true, true }), outcome{}, map[string]string{
			"Ready": "False/Progressing", "TimeoutReloadScheduled": "False/Progressing", "Stalled": "",
		}},
		"Hyperf's consumers beside ours": {scene(foreigners(poll.ForeignersSeen)), outcome{}, map[string]string{
			"ForeignConsumers": "True/ForeignReservations", "Ready": "True/Consuming",
		}},
		"Hyperf's consumers gone": {scene(foreigners(poll.ForeignersGone)), outcome{}, map[string]string{
			"ForeignConsumers": "False/NoForeignReservations",
		}},
		"an intake that is left alone": {scene(), outcome{}, map[string]string{"IntakeClosed": ""}},
		"a closed intake": {scene(intake(queuev1alpha1.IntakeClosed), gate(true, nil)), outcome{}, map[string]string{
			"IntakeClosed": "True/Closed", "Ready": "True/Consuming",
		}},
		"an open intake":             {scene(intake(queuev1alpha1.IntakeOpen), gate(false, nil)), outcome{}, map[string]string{"IntakeClosed": "False/Open"}},
		"an intake that is not set":  {scene(intake(queuev1alpha1.IntakeClosed)), outcome{}, map[string]string{"IntakeClosed": "Unknown/NotObserved", "Ready": "True/Consuming"}},
		"an intake that was changed": {scene(intake(queuev1alpha1.IntakeClosed), gate(false, nil)), outcome{}, map[string]string{"IntakeClosed": "Unknown/NotObserved"}},
		"an intake that Redis refuses": {scene(intake(queuev1alpha1.IntakeClosed), gate(true, &poll.Fault{Message: "no permission"})), outcome{}, map[string]string{
			"IntakeClosed": "Unknown/GateNotSet", "Ready": "False/GateNotSet", "Reconciling": "True/GateNotSet", "Stalled": "",
		}},
		"an intake of a queue that is not the owner": {scene(conflicting, intake(queuev1alpha1.IntakeClosed)), outcome{}, map[string]string{
			"IntakeClosed": "Unknown/NotObserved", "ForeignConsumers": "",
		}},
		"workers of nobody known": {scene(func(s *observed) { s.stranger = "another" }), outcome{}, map[string]string{
			"ChannelConflict": "True/UnknownWorkers", "Ready": "True/Consuming", "Stalled": "",
		}},
		"no share of memory": {scene(func(s *observed) {
			s.queue.Spec.Template = &corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{limited("worker", "64Mi")}}}
		}), outcome{}, map[string]string{"MemoryLimited": ""}},
		"a share of a memory limit": {scene(recycled(limited("sidecar", "32Mi"), limited("worker", "64Mi"))), outcome{}, map[string]string{
			"MemoryLimited": "True/MemoryLimitSet", "Ready": "True/Consuming",
		}},
		"a share of no template": {scene(func(s *observed) { s.queue.Spec.MaxMemoryPercent = 80 }), outcome{}, map[string]string{
			"MemoryLimited": "Unknown/MemoryLimitNotSet", "Ready": "True/Consuming", "Reconciling": "", "Stalled": "",
		}},
		"a share of a sidecar's memory limit": {scene(recycled(limited("sidecar", "32Mi"), corev1.Container{Name: "worker"})), outcome{}, map[string]string{
			"MemoryLimited": "Unknown/MemoryLimitNotSet",
		}},
		"a share of a limit of zero": {scene(recycled(limited("worker", "0"))), outcome{}, map[string]string{"MemoryLimited": "Unknown/MemoryLimitNotSet"}},
		"a share of the pod's memory limit": {scene(recycled(), func(s *observed) {
			s.queue.Spec.Template.Spec.Resources = ptr.To(limited("", "64Mi").Resources)
		}), outcome{}, map[string]string{"MemoryLimited": "True/MemoryLimitSet"}},
		"reloads are scheduled": {scene(reloaded, withCronJob), outcome{}, map[string]string{"TimeoutReloadScheduled": "True/Scheduled"}},
	}
}

// recycled is a queue with a share of memory, and the containers of its template.
func recycled(containers ...corev1.Container) func(*observed) {
	return func(s *observed) {
		s.queue.Spec.MaxMemoryPercent = 80
		s.queue.Spec.Template = &corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: containers}}
	}
}

// limited is a container with a limit of memory.
func limited(name, limit string) corev1.Container {
	limits := corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(limit)}
	return corev1.Container{Name: name, Resources: corev1.ResourceRequirements{Limits: limits}}
}

func TestJudge(t *testing.T) {
	for name, tc := range judgeCases() {
		t.Run(name, func(t *testing.T) {
			verdicts := judge(tc.seen, decide(tc.seen), tc.outcome)
			for kind, want := range tc.want {
				got := ""
				if v := verdicts[kind]; v != nil {
					got = string(v.status) + "/" + v.reason
					if v.message == "" {
						t.Errorf("%s has no message", kind)
					}
				}
				if got != want {
					t.Errorf("%s = %q, want %q", kind, got, want)
				}
			}
			if verdicts["Reconciling"] != nil && verdicts["Stalled"] != nil {
				t.Error("both Reconciling and Stalled")
			}
		})
	}
}

func TestStatusStaysTheSame(t *testing.T) {
	seen := scene(reloaded, withCronJob)
	p := decide(seen)
	first := statusOf(seen, p, outcome{})
	seen.queue.Status = first
	seen.now = noon.Add(time.Hour)
	seen.sight.At, seen.sight.ShownAt = seen.now, seen.now
	second := statusOf(seen, p, outcome{})
	if len(eventsOf(&first, &second, p)) > 0 {
		t.Error("events without news")
	}
	seen.queue.Status = second
	if third := statusOf(seen, p, outcome{}); third.Backlog.ObservedAt != first.Backlog.ObservedAt || third.Conditions[0].LastTransitionTime != first.Conditions[0].LastTransitionTime {
		t.Errorf("the status moves by itself: %+v", third)
	}
}

func TestScalingIsTold(t *testing.T) {
	seen := scene(scaling(0, 5), waiting(25))
	p := decide(seen)
	after := statusOf(seen, p, outcome{})
	if after.LastScaleTime == nil || !after.LastScaleTime.Time.Equal(noon) || after.LastScaleReason != "Backlog: 25 waiting + 0 due + 0 in hand / 10 per replica = 3" {
		t.Errorf("last scale at %v for %q", after.LastScaleTime, after.LastScaleReason)
	}
	events := eventsOf(&seen.queue.Status, &after, p)
	want := happening{"Normal", "Scaled", "Scale", "from 1 to 3 workers: 25 waiting + 0 due + 0 in hand / 10 per replica = 3"}
	if len(events) != 1 || events[0] != want {
		t.Errorf("events %+v, want %+v", events, want)
	}
}

func TestEventsTellTransitions(t *testing.T) {
	tests := map[string]struct {
		before, after *observed
		want          []string
	}{
		"Redis goes":        {scene(), scene(unreachable), []string{"Warning RedisUnreachable"}},
		"Redis comes back":  {scene(unreachable), scene(), []string{"Normal Reachable"}},
		"a conflict":        {scene(), scene(conflicting), []string{"Normal Scaled", "Warning ChannelConflict"}},
		"suspended":         {scene(), scene(suspended), []string{"Normal Scaled", "Normal Suspended"}},
		"resumed":           {scene(suspended), scene(), []string{"Normal Scaled", "Normal Resumed"}},
		"pods fail":         {scene(), scene(workers(1, 1, 0), func(s *observed) { s.podTrouble = "bad" }), []string{"Warning WorkersFailing"}},
		"workers start":     {scene(), scene(workers(1, 1, 0)), nil},
		"a Secret is gone":  {scene(), scene(troubled("SecretNotFound", false)), []string{"Warning SecretNotFound"}},
		"Redis stays away":  {scene(unreachable), scene(unreachable), nil},
		"all is well still": {scene(), scene(), nil},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			before := statusOf(tc.before, decide(tc.before), outcome{})
			tc.after.queue.Status = before
			p := decide(tc.after)
			after := statusOf(tc.after, p, outcome{})
			var got []string
			for _, e := range eventsOf(&before, &after, p) {
				got = append(got, e.kind+" "+e.reason)
			}
			if len(got) != len(tc.want) {
				t.Fatalf("events %q, want %q", got, tc.want)
			}
			for i := range got {
				if got[i] != tc.want[i] {
					t.Errorf("events %q, want %q", got, tc.want)
				}
			}
		})
	}
}
