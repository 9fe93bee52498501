package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
)

// WorkerContainer is the name of the container that consumes the queue, in the
// worker Deployment and in spec.template.
const WorkerContainer = "worker"

// AsyncQueueSpec is what the queue should be.
//
// +kubebuilder:validation:XValidation:rule="has(self.channel) == has(oldSelf.channel) && (!has(self.channel) || self.channel == oldSelf.channel)",fieldPath=".channel",message="channel may be neither added, changed nor removed later, since messages would be left behind: create another AsyncQueue instead"
// +kubebuilder:validation:XValidation:rule="has(self.handler) || (has(self.template) && has(self.template.spec) && has(self.template.spec.containers) && self.template.spec.containers.exists(c, c.name == 'worker' && has(c.image) && c.image.size() > 0))",fieldPath=".handler",message="without a handler the image must bring its own: set the image of the container worker in spec.template.spec.containers, or set handler.http or handler.exec"
// +kubebuilder:validation:XValidation:rule="!has(self.autoscaling) || !has(oldSelf.autoscaling) || self.replicas == oldSelf.replicas || self.replicas == 1",fieldPath=".replicas",message="with autoscaling replicas is only the starting size and may not be changed: change autoscaling.minReplicas or autoscaling.maxReplicas, or remove autoscaling first"
// +kubebuilder:validation:XValidation:rule="!has(self.channel) || !has(self.redis) || !has(self.redis.mode) || self.redis.mode != 'Cluster' || self.channel.matches('^[^{]*[{][^}]+[}]')",fieldPath=".channel",message="in the mode Cluster channel must hold a hash tag, so that all keys of the queue stand on one node: put it in braces, such as {orders}, here and in the producers' configuration"
// +kubebuilder:validation:XValidation:rule="!has(self.handler) || !has(self.handler.exec) || !has(self.handler.exec.image) || !has(self.template) || !has(self.template.spec) || !has(self.template.spec.containers) || !self.template.spec.containers.exists(c, c.name == 'worker' && has(c.image) && c.image.size() > 0)",fieldPath=".handler.exec.image",message="the container worker has one image: set handler.exec.image where the worker program is to be brought in, or the image in spec.template where it is there already, not both"
// +kubebuilder:validation:XValidation:rule="!has(self.exclusive) || !self.exclusive || self.concurrency == 1",fieldPath=".concurrency",message="an exclusive queue runs one message at a time: set concurrency to 1"
// +kubebuilder:validation:XValidation:rule="!has(self.exclusive) || !self.exclusive || has(self.autoscaling) || self.replicas <= 1",fieldPath=".replicas",message="an exclusive queue has at most one worker: set replicas to 1, or to 0"
// +kubebuilder:validation:XValidation:rule="!has(self.exclusive) || !self.exclusive || !has(self.autoscaling) || self.autoscaling.maxReplicas <= 1",fieldPath=".autoscaling.maxReplicas",message="an exclusive queue has at most one worker: set autoscaling.maxReplicas to 1"
// +kubebuilder:validation:XValidation:rule="!has(self.intake) || !has(self.intake.key) || !has(self.channel) || !self.intake.key.startsWith(self.channel + ':')",fieldPath=".intake.key",message="intake.key may not be one of the queue's own keys, which begin with its channel: use the key that PHP reads, such as c:IS_PUSH_orders"
type AsyncQueueSpec struct {
	// channel is what the queue's keys in Redis begin with: <channel>:waiting,
	// <channel>:delayed and so on. Producers must use the same text. Absent
	// means {<namespace>.<name>}, braces included. On a Redis Cluster it must
	// hold a hash tag: some text in braces. It may be neither added, changed nor
	// removed later, since messages would be left behind.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=200
	// +kubebuilder:validation:XValidation:rule="self.matches(r'^[^\\p{Z}\\p{C}]*$')",message="channel may hold no white space and no control characters: remove them"
	// +optional
	Channel string `json:"channel,omitempty"`

	// redis says where the queue lives. Absent means the Redis that the
	// operator was started with (--default-redis), without credentials.
	// +optional
	Redis *Redis `json:"redis,omitempty"`

	// timeouts are the queue's time limits, in whole seconds.
	// +kubebuilder:default={}
	// +optional
	Timeouts Timeouts `json:"timeouts,omitzero"`

	// maxAttempts is how often a message that failed is tried again, for
	// messages that carry no number of their own: n means at most n+1 runs.
	// Defaults to 0: one run, no retry.
	// +kubebuilder:default=0
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000
	// +optional
	MaxAttempts int32 `json:"maxAttempts,omitempty"`

	// concurrency is how many messages one worker has in hand at most. 1 makes
	// a worker handle one message after the other. Defaults to 10.
	// +kubebuilder:default=10
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10000
	// +optional
	Concurrency int32 `json:"concurrency,omitempty"`

	// replicas is how many workers run. With autoscaling it is only the
	// starting size. Defaults to 1. Leave it out of manifests where kubectl
	// scale, a HorizontalPodAutoscaler or KEDA drives it: applying such a
	// manifest again keeps what the scaler set.
	// +kubebuilder:default=1
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000
	// +optional
	Replicas *int32 `json:"replicas,omitempty"`

	// maxMessages is after how many messages a worker replaces its process by
	// a fresh one, for handlers that leak memory: it claims no more, finishes
	// what it has in hand, and starts again in the same container, which does
	// not count as a restart. Absent or 0 means never.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000000000
	// +optional
	MaxMessages int32 `json:"maxMessages,omitempty"`

	// maxMemoryPercent is the share of its container's memory limit, in percent,
	// beyond which a worker replaces its process by a fresh one, as with
	// maxMessages, before the kernel would kill it. It needs a memory limit of the
	// container worker in spec.template, or by a LimitRange of the namespace:
	// without one it does nothing (see the condition MemoryLimited). Absent or 0
	// means never.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	// +optional
	MaxMemoryPercent int32 `json:"maxMemoryPercent,omitempty"`

	// exclusive runs one message at a time, across all pods and nodes: the next
	// begins only after the handler of the last one has ended, or its worker has
	// been cut off from Redis for so long that it has stopped it. Handlers get a
	// number that grows with each run. It needs concurrency 1 and at most one
	// replica. Consumers of Hyperf on the same channel do not mind it. Defaults
	// to false.
	// +optional
	Exclusive bool `json:"exclusive,omitempty"`

	// maxMessageBytes is how large a message may be, in bytes. A larger one goes
	// to the state failed with the reason, unread. Defaults to 1048576.
	// +kubebuilder:default=1048576
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=536870912
	// +optional
	MaxMessageBytes int32 `json:"maxMessageBytes,omitempty"`

	// intake closes or opens the gate that producers look at before they push.
	// Absent means that the gate is left alone.
	// +optional
	Intake *Intake `json:"intake,omitempty"`

	// suspend stops consumption: the workers finish what they have in hand and
	// go, the reload CronJob pauses, messages stay in Redis. Defaults to false.
	// +kubebuilder:default=false
	// +optional
	Suspend bool `json:"suspend,omitempty"`

	// autoscaling lets the operator choose the number of workers by the
	// backlog. Absent means that spec.replicas is the number of workers.
	// +optional
	Autoscaling *Autoscaling `json:"autoscaling,omitempty"`

	// timeoutReload puts messages that outlived their handle timeout back on
	// the queue. Declaring it says that the messages are idempotent: one may
	// run twice. Absent means never: such messages stay in the state timeout.
	// +optional
	TimeoutReload *TimeoutReload `json:"timeoutReload,omitempty"`

	// handler is what a worker does with a message. Absent means that the
	// image of the container worker in spec.template brings its own handlers,
	// built on the Go package worker.
	// +optional
	Handler *Handler `json:"handler,omitempty"`

	// template is merged over the pod template that the operator makes for
	// the workers: labels, annotations, sidecars, volumes, scheduling and so
	// on. In its container named worker only image, resources, env (names that
	// do not begin with ASYNCQUEUE_), envFrom and volumeMounts may be set; the
	// rest of that container is the operator's. It is not used for the reload
	// CronJob. Absent means the operator's pod as it is.
	// +optional
	Template *corev1.PodTemplateSpec `json:"template,omitempty"`
}

// Timeouts are the queue's time limits, in whole seconds.
type Timeouts struct {
	// popSeconds is how long a worker waits for a message in one call to
	// Redis, at most. It never delays a message. Defaults to 2.
	// +kubebuilder:default=2
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=3600
	// +optional
	PopSeconds int32 `json:"popSeconds,omitempty"`

	// handleSeconds is the handle timeout: a message whose run takes longer
	// goes to the state timeout, while its handler goes on until it ends.
	// Defaults to 10.
	// +kubebuilder:default=10
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=604800
	// +optional
	HandleSeconds int32 `json:"handleSeconds,omitempty"`

	// onHandleTimeout is what happens to a run that takes longer than
	// handleSeconds. Continue lets its handler go on to its end, as Hyperf does,
	// while the message stands in the state timeout. Cancel cancels the handler
	// (its context; its request; its process): the run is a failed attempt.
	// Defaults to Continue.
	// +kubebuilder:default=Continue
	// +optional
	OnHandleTimeout OnHandleTimeout `json:"onHandleTimeout,omitempty"`

	// onLateSuccess is what happens to a message in the state timeout whose run
	// ends well after all. Keep leaves it there, as Hyperf does; Remove takes it
	// out. Defaults to Keep.
	// +kubebuilder:default=Keep
	// +optional
	OnLateSuccess OnLateSuccess `json:"onLateSuccess,omitempty"`

	// retrySeconds is how long a failed message waits for its next attempt:
	// the first number after the first attempt and so on; the last number
	// repeats. Defaults to [5].
	// +kubebuilder:default={5}
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:Minimum=0
	// +kubebuilder:validation:items:Maximum=604800
	// +listType=atomic
	// +optional
	RetrySeconds []int32 `json:"retrySeconds,omitempty"`

	// drainSeconds is how long a worker that is told to stop may go on with
	// what it has in hand. The pod's grace period follows from it. Absent
	// means handleSeconds + 20, at most a week.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=604800
	// +optional
	DrainSeconds *int32 `json:"drainSeconds,omitempty"`
}

// OnHandleTimeout is what happens to a run that outlives its handle timeout.
//
// +kubebuilder:validation:Enum=Continue;Cancel
type OnHandleTimeout string

// What happens to a run that outlives its handle timeout.
const (
	// OnHandleTimeoutContinue lets it go on to its end.
	OnHandleTimeoutContinue OnHandleTimeout = "Continue"
	// OnHandleTimeoutCancel cancels it; the run is a failed attempt.
	OnHandleTimeoutCancel OnHandleTimeout = "Cancel"
)

// OnLateSuccess is what happens to the message of a run that ends well, but late.
//
// +kubebuilder:validation:Enum=Keep;Remove
type OnLateSuccess string

// What happens to the message of a run that ends well, but late.
const (
	// OnLateSuccessKeep leaves it in the state timeout.
	OnLateSuccessKeep OnLateSuccess = "Keep"
	// OnLateSuccessRemove takes it out.
	OnLateSuccessRemove OnLateSuccess = "Remove"
)

// OnWorkerLoss is what happens to the messages that a dead worker had in hand.
//
// +kubebuilder:validation:Enum=Immediately;OnSchedule
type OnWorkerLoss string

// What happens to the messages that a dead worker had in hand.
const (
	// OnWorkerLossImmediately puts them back on the queue, as the next to be taken.
	OnWorkerLossImmediately OnWorkerLoss = "Immediately"
	// OnWorkerLossOnSchedule puts them into the state timeout, for the CronJob.
	OnWorkerLossOnSchedule OnWorkerLoss = "OnSchedule"
)

// IntakeState is whether producers may push.
//
// +kubebuilder:validation:Enum=Open;Closed
type IntakeState string

// Whether producers may push.
const (
	// IntakeOpen removes the gate's key.
	IntakeOpen IntakeState = "Open"
	// IntakeClosed writes the value on which producers refuse.
	IntakeClosed IntakeState = "Closed"
)

// Intake closes or opens the gate that producers look at before they push: a
// key in the queue's Redis and database. Go programs and the command line built
// on the package queue honour it, and PHP's safePush, which refuses where its
// cache says strictly false.
type Intake struct {
	// state is whether producers may push. Closed writes the value false as
	// PHP's cache serialises it, with a time to live of 10 minutes that the
	// operator renews: where the operator or the AsyncQueue goes away, the gate
	// opens by itself. Open removes the key. Required.
	// +required
	State IntakeState `json:"state"`

	// key is the key in Redis: the prefix of PHP's cache, usually c:, and the
	// name that safePush asks for. Absent means c:IS_PUSH_<name of the
	// AsyncQueue>. When it changes, what was written under the old key expires.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches(r'^[^\\p{Z}\\p{C}]*$')",message="key may hold no white space and no control characters: remove them"
	// +optional
	Key string `json:"key,omitempty"`
}

// Autoscaling lets the operator choose the number of workers by the backlog.
//
// +kubebuilder:validation:XValidation:rule="self.minReplicas <= self.maxReplicas",fieldPath=".minReplicas",message="minReplicas may not be greater than maxReplicas: lower it, or raise maxReplicas"
type Autoscaling struct {
	// minReplicas is the least number of workers. 0 lets the queue sleep
	// without a worker; one message wakes it. Defaults to 0.
	// +kubebuilder:default=0
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000
	// +optional
	MinReplicas int32 `json:"minReplicas,omitempty"`

	// maxReplicas is the greatest number of workers. Required.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	// +required
	MaxReplicas int32 `json:"maxReplicas"`

	// queueLength scales by the messages there are. Absent means {target: 10}
	// without waitTime, and that only waitTime decides with it. With both, the
	// greater number of workers counts.
	// +optional
	QueueLength *QueueLength `json:"queueLength,omitempty"`

	// waitTime scales by how long messages wait. Absent means that it does not
	// count.
	// +optional
	WaitTime *WaitTime `json:"waitTime,omitempty"`

	// scheduleAheadSeconds is how soon a delayed message must be due to count
	// like one that waits, so that a worker is there when it is. Defaults to
	// 10; 0 means that it counts only when it is due.
	// +kubebuilder:default=10
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=3600
	// +optional
	ScheduleAheadSeconds *int32 `json:"scheduleAheadSeconds,omitempty"`

	// idleSeconds is how long there must be nothing to do before the last
	// worker goes. It counts only where minReplicas is 0. Defaults to 60; 0
	// means at once.
	// +kubebuilder:default=60
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=86400
	// +optional
	IdleSeconds *int32 `json:"idleSeconds,omitempty"`

	// behavior restrains how fast the number of workers changes, with the
	// meaning of behavior in a HorizontalPodAutoscaler (autoscaling/v2). Absent
	// means that more workers come at once, and fewer as soon as fewer would
	// have done throughout the operator's --scale-in-window.
	// +optional
	Behavior *ScalingBehavior `json:"behavior,omitempty"`
}

// QueueLength scales by the messages there are.
type QueueLength struct {
	// target is how many messages there should be per worker: waiting ones,
	// delayed ones that are due, and those in hand. Defaults to 10.
	// +kubebuilder:default=10
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000
	// +optional
	Target int32 `json:"target,omitempty"`
}

// WaitTime scales by how long messages wait.
type WaitTime struct {
	// targetSeconds is how long a message may wait for a worker. The operator
	// measures how many messages arrive and how fast the workers are, and asks
	// for as many workers as keep to it; until a first run has ended it goes by
	// queueLength, or by 10 messages per worker. Required.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=86400
	// +required
	TargetSeconds int32 `json:"targetSeconds"`
}

// ScalingBehavior restrains how fast the number of workers changes.
type ScalingBehavior struct {
	// scaleUp restrains scaling to more workers. Absent means: at once. From
	// zero the first worker is always allowed, unless selectPolicy is Disabled.
	// +optional
	ScaleUp *ScalingRules `json:"scaleUp,omitempty"`

	// scaleDown restrains scaling to fewer workers. Absent means: to what is
	// needed as soon as that stood for the operator's --scale-in-window.
	// Whatever it says, no worker goes whose slots the messages in hand need.
	// +optional
	ScaleDown *ScalingRules `json:"scaleDown,omitempty"`
}

// ScalingRules restrain one direction.
type ScalingRules struct {
	// stabilizationWindowSeconds is how far back recommendations count: scaling
	// up takes the lowest of them, scaling down the highest. Absent means 0 for
	// scaleUp and the operator's --scale-in-window for scaleDown.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=3600
	// +optional
	StabilizationWindowSeconds *int32 `json:"stabilizationWindowSeconds,omitempty"`

	// selectPolicy says which of the policies counts: Max takes the one that
	// allows the greatest change, Min the smallest, Disabled allows no change
	// in this direction. Absent means Max.
	// +kubebuilder:validation:Enum=Max;Min;Disabled
	// +optional
	SelectPolicy SelectPolicy `json:"selectPolicy,omitempty"`

	// policies limit the change within a period. Absent means that nothing but
	// the window restrains it.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +listType=atomic
	// +optional
	Policies []ScalingPolicy `json:"policies,omitempty"`
}

// SelectPolicy says which of several policies counts.
type SelectPolicy string

// The selections.
const (
	// SelectPolicyMax takes the policy that allows the greatest change.
	SelectPolicyMax SelectPolicy = "Max"
	// SelectPolicyMin takes the policy that allows the smallest change.
	SelectPolicyMin SelectPolicy = "Min"
	// SelectPolicyDisabled allows no change.
	SelectPolicyDisabled SelectPolicy = "Disabled"
)

// ScalingPolicy limits the change within a period.
type ScalingPolicy struct {
	// type is the unit of value: Pods, or Percent of the workers that there
	// were at the beginning of the period. Required.
	// +kubebuilder:validation:Enum=Pods;Percent
	// +required
	Type ScalingPolicyType `json:"type"`

	// value is how much change is allowed within the period. Required.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000
	// +required
	Value int32 `json:"value"`

	// periodSeconds is how far back changes count. Required.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1800
	// +required
	PeriodSeconds int32 `json:"periodSeconds"`
}

// ScalingPolicyType is the unit of a policy.
type ScalingPolicyType string

// The units.
const (
	// ScalingPolicyPods counts workers.
	ScalingPolicyPods ScalingPolicyType = "Pods"
	// ScalingPolicyPercent counts in percent of the workers.
	ScalingPolicyPercent ScalingPolicyType = "Percent"
)

// TimeoutReload puts messages that outlived their handle timeout back on the
// queue.
type TimeoutReload struct {
	// schedule is when to reload, in cron's five fields or as a macro such as
	// @hourly. Required.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=200
	// +kubebuilder:validation:XValidation:rule="self.startsWith('@') || self.split(' ').size() == 5",message="schedule must have five fields, one space apart (minute, hour, day of month, month, day of week), such as '*/5 * * * *', or be a macro such as @hourly; a time zone goes to timeZone"
	// +kubebuilder:validation:XValidation:rule="!self.startsWith('@') || self.matches('^@(yearly|annually|monthly|weekly|daily|midnight|hourly|every ([0-9]+[hms])+)$')",message="the macro in schedule is none of @yearly, @annually, @monthly, @weekly, @daily, @midnight, @hourly and @every 1h30m: choose one of them"
	// +kubebuilder:validation:XValidation:rule="self.startsWith('@') || self.split(' ').size() != 5 || self.split(' ')[0].split(',').all(e, e.matches('^([*?]|[0-5]?[0-9](-[0-5]?[0-9])?)(/[1-9][0-9]*)?$'))",message="the first field of schedule is the minute: numbers from 0 to 59, with *, lists (,), ranges (-) and steps (/)"
	// +kubebuilder:validation:XValidation:rule="self.startsWith('@') || self.split(' ').size() != 5 || self.split(' ')[1].split(',').all(e, e.matches('^([*?]|([01]?[0-9]|2[0-3])(-([01]?[0-9]|2[0-3]))?)(/[1-9][0-9]*)?$'))",message="the second field of schedule is the hour: numbers from 0 to 23, with *, lists (,), ranges (-) and steps (/)"
	// +kubebuilder:validation:XValidation:rule="self.startsWith('@') || self.split(' ').size() != 5 || self.split(' ')[2].split(',').all(e, e.matches('^([*?]|(0?[1-9]|[12][0-9]|3[01])(-(0?[1-9]|[12][0-9]|3[01]))?)(/[1-9][0-9]*)?$'))",message="the third field of schedule is the day of the month: numbers from 1 to 31, with *, lists (,), ranges (-) and steps (/)"
	// +kubebuilder:validation:XValidation:rule="self.startsWith('@') || self.split(' ').size() != 5 || self.split(' ')[3].split(',').all(e, e.matches('^([*?]|(0?[1-9]|1[0-2]|(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec))(-(0?[1-9]|1[0-2]|(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)))?)(/[1-9][0-9]*)?$'))",message="the fourth field of schedule is the month: numbers from 1 to 12, or jan to dec, with *, lists (,), ranges (-) and steps (/)"
	// +kubebuilder:validation:XValidation:rule="self.startsWith('@') || self.split(' ').size() != 5 || self.split(' ')[4].split(',').all(e, e.matches('^([*?]|([0-6]|(?i:sun|mon|tue|wed|thu|fri|sat))(-([0-6]|(?i:sun|mon|tue|wed|thu|fri|sat)))?)(/[1-9][0-9]*)?$'))",message="the fifth field of schedule is the day of the week: numbers from 0 (Sunday) to 6, or sun to sat, with *, lists (,), ranges (-) and steps (/)"
	// +required
	Schedule string `json:"schedule"`

	// timeZone is the IANA time zone of the schedule, such as Europe/Berlin.
	// Empty or absent means UTC.
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="self.matches('^([A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9][A-Za-z0-9_+-]*)*)?$') && self != 'Local'",message="timeZone must be an IANA name such as Europe/Berlin or Etc/UTC: leave it out for UTC"
	// +optional
	TimeZone string `json:"timeZone,omitempty"`

	// maxMessages is how many messages one run of the CronJob reloads at most,
	// the oldest first. Defaults to 1000.
	// +kubebuilder:default=1000
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000
	// +optional
	MaxMessages int32 `json:"maxMessages,omitempty"`

	// onWorkerLoss is what happens to the messages that a dead worker had in
	// hand. Immediately puts them back on the queue as soon as its death is
	// known, OnSchedule into the state timeout, for the CronJob. Defaults to
	// Immediately.
	// +kubebuilder:default=Immediately
	// +optional
	OnWorkerLoss OnWorkerLoss `json:"onWorkerLoss,omitempty"`

	// maxReloads is how often one message may be put back, by this CronJob or
	// because its worker died. After that it goes to the state failed. Defaults
	// to 3.
	// +kubebuilder:default=3
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	// +optional
	MaxReloads int32 `json:"maxReloads,omitempty"`
}
