package v1alpha1

// Types of the conditions in status.conditions.
//
// Polarity is said with each: "good when True", "bad when True" or "neutral".
// Ready, Reconciling and Stalled follow the kstatus convention: Reconciling
// and Stalled are present only while they are True.
const (
	// ConditionReady is good when True: the queue does what its spec asks for.
	// A queue that is suspended and drained, or asleep at zero workers with
	// nothing to do, is ready.
	ConditionReady = "Ready"
	// ConditionReconciling is neutral and present only while True: the
	// operator is on its way to what the spec asks for, or waits for something
	// that can heal by itself, such as Redis.
	ConditionReconciling = "Reconciling"
	// ConditionStalled is bad when True and present only then: nothing goes on
	// before a person changes something. The reason says what.
	ConditionStalled = "Stalled"
	// ConditionWorkersAvailable is good when True: as many workers are ready
	// as the operator wants.
	ConditionWorkersAvailable = "WorkersAvailable"
	// ConditionQueueReachable is good when True: the operator reads the
	// queue's keys in Redis. Unknown before the first look.
	ConditionQueueReachable = "QueueReachable"
	// ConditionScalingActive is good when True: the operator chooses the
	// number of workers by the backlog. Absent without spec.autoscaling.
	ConditionScalingActive = "ScalingActive"
	// ConditionTimeoutReloadScheduled is good when True: the reload CronJob
	// exists and is not suspended. Absent without spec.timeoutReload.
	ConditionTimeoutReloadScheduled = "TimeoutReloadScheduled"
	// ConditionSuspended is neutral: True while spec.suspend is true, whether
	// the workers have drained yet or not.
	ConditionSuspended = "Suspended"
	// ConditionChannelConflict is bad when True: another AsyncQueue that is
	// older uses the same channel of the same Redis, and this one starts
	// nothing.
	ConditionChannelConflict = "ChannelConflict"
	// ConditionForeignConsumers is informational and changes nothing else: True
	// while Hyperf's own consumers take messages of the channel too, seen within
	// the last minutes.
	ConditionForeignConsumers = "ForeignConsumers"
	// ConditionIntakeClosed is neutral: True while the gate tells producers not
	// to push. Absent without spec.intake, Unknown where the gate could not be
	// set.
	ConditionIntakeClosed = "IntakeClosed"
	// ConditionMemoryLimited is informational and changes nothing else: True
	// where spec.template sets the memory limit that spec.maxMemoryPercent is a
	// share of, Unknown where it does not, since a LimitRange may set one. Absent
	// without spec.maxMemoryPercent.
	ConditionMemoryLimited = "MemoryLimited"
)

// Reasons of a good state.
const (
	// ReasonConsuming: as many workers are ready as wanted. On Ready and
	// WorkersAvailable.
	ReasonConsuming = "Consuming"
	// ReasonScaledToZero: no worker is wanted, since there is nothing to do or
	// spec.replicas is 0. On Ready, WorkersAvailable and ScalingActive.
	ReasonScaledToZero = "ScaledToZero"
	// ReasonSuspended: spec.suspend is true. On Suspended, Ready (once the
	// workers have drained), WorkersAvailable, ScalingActive (False) and
	// TimeoutReloadScheduled (False).
	ReasonSuspended = "Suspended"
	// ReasonNotSuspended: spec.suspend is false. On Suspended.
	ReasonNotSuspended = "NotSuspended"
	// ReasonReachable: the operator reads the queue. On QueueReachable.
	ReasonReachable = "Reachable"
	// ReasonBacklog: the backlog decides the number of workers. On
	// ScalingActive.
	ReasonBacklog = "Backlog"
	// ReasonScheduled: the reload CronJob is in place. On
	// TimeoutReloadScheduled.
	ReasonScheduled = "Scheduled"
	// ReasonSoleOwner: no other AsyncQueue uses the channel. On
	// ChannelConflict.
	ReasonSoleOwner = "SoleOwner"
	// ReasonUnknownWorkers: workers of an AsyncQueue that this operator does not
	// know consume the channel, perhaps from another cluster. The queue goes on
	// all the same. On ChannelConflict (True).
	ReasonUnknownWorkers = "UnknownWorkers"
	// ReasonForeignReservations: the state reserved holds messages that no worker
	// of an AsyncQueue took. On ForeignConsumers (True).
	ReasonForeignReservations = "ForeignReservations"
	// ReasonNoForeignReservations: none of late. On ForeignConsumers (False).
	ReasonNoForeignReservations = "NoForeignReservations"
	// ReasonIntakeClosed: the gate is closed, as spec.intake says. On
	// IntakeClosed (True).
	ReasonIntakeClosed = "Closed"
	// ReasonIntakeOpen: the gate is open, as spec.intake says. On IntakeClosed
	// (False).
	ReasonIntakeOpen = "Open"
	// ReasonMemoryLimitSet: spec.template sets a memory limit for the container
	// worker. On MemoryLimited (True).
	ReasonMemoryLimitSet = "MemoryLimitSet"
	// ReasonMemoryLimitNotSet: it sets none; unless a LimitRange does,
	// spec.maxMemoryPercent has no effect. On MemoryLimited (Unknown).
	ReasonMemoryLimitNotSet = "MemoryLimitNotSet"
)

// Reasons of a state on the way. They heal by themselves.
const (
	// ReasonProgressing: the operator is applying the spec. On Ready and
	// Reconciling.
	ReasonProgressing = "Progressing"
	// ReasonWorkersStarting: workers are wanted that are not ready yet. On
	// Ready, Reconciling and WorkersAvailable.
	ReasonWorkersStarting = "WorkersStarting"
	// ReasonDraining: workers finish what they have in hand before they go. On
	// Ready, Reconciling and WorkersAvailable.
	ReasonDraining = "Draining"
	// ReasonNotObserved: the operator has not looked at the queue yet. On
	// QueueReachable (Unknown) and ScalingActive.
	ReasonNotObserved = "NotObserved"
	// ReasonRedisUnreachable: Redis does not answer. Workers are kept, nothing
	// is scaled in. On Ready, Reconciling, QueueReachable and ScalingActive.
	ReasonRedisUnreachable = "RedisUnreachable"
	// ReasonRedisNotWritable: Redis answers but refuses to be written to: a
	// read-only replica, out of memory, or loading its data. On the same.
	ReasonRedisNotWritable = "RedisNotWritable"
	// ReasonSecretNotFound: a Secret that the spec names does not exist. It is
	// looked for again every minute. On Ready, Reconciling and QueueReachable.
	ReasonSecretNotFound = "SecretNotFound"
	// ReasonSecretKeyMissing: a Secret that the spec names lacks a key. On the
	// same.
	ReasonSecretKeyMissing = "SecretKeyMissing"
	// ReasonSecretInvalid: a Secret holds something that cannot be used: a uri
	// that is no Redis URL or stands beside other fields, or no PEM. On the
	// same.
	ReasonSecretInvalid = "SecretInvalid"
	// ReasonRedisAuthenticationFailed: Redis refuses the user name or the
	// password. On Ready, Reconciling and QueueReachable.
	ReasonRedisAuthenticationFailed = "RedisAuthenticationFailed"
	// ReasonRedisPermissionDenied: the Redis user may not run a command or
	// touch a key that the queue needs. On the same.
	ReasonRedisPermissionDenied = "RedisPermissionDenied"
	// ReasonRedisTLSFailed: the TLS handshake fails: an unknown authority, a
	// wrong name, an expired certificate, or a server without TLS. On the same.
	ReasonRedisTLSFailed = "RedisTLSFailed"
	// ReasonRedisMasterUnknown: the sentinels answer, but know no master of the
	// name that the spec gives. On the same.
	ReasonRedisMasterUnknown = "RedisMasterUnknown"
	// ReasonRedisWrongType: one of the queue's keys holds another type than it
	// should: something else uses the channel. On the same.
	ReasonRedisWrongType = "RedisWrongType"
	// ReasonGateNotSet: the key of spec.intake cannot be written or removed. On
	// Ready, Reconciling and IntakeClosed (Unknown).
	ReasonGateNotSet = "GateNotSet"
	// ReasonWorkersFailing: worker pods crash, cannot be scheduled, or cannot
	// pull their image; the message says which. On Ready, Reconciling and
	// WorkersAvailable.
	ReasonWorkersFailing = "WorkersFailing"
	// ReasonApplyFailed: the API server did not take a child object for a
	// reason that may pass, such as a quota. On Ready and Reconciling.
	ReasonApplyFailed = "ApplyFailed"
)

// Reasons of Stalled. A person must change something; Ready carries the same
// reason.
const (
	// ReasonNoRedis: neither spec.redis.addresses nor a uri in the Secret nor
	// the operator's --default-redis says where the queue lives.
	ReasonNoRedis = "NoRedis"
	// ReasonHashTagMissing: the Redis is a cluster, as the operator's
	// --default-redis or a uri says, and the channel holds no hash tag. Create
	// the queue anew with one.
	ReasonHashTagMissing = "HashTagMissing"
	// ReasonNoSentinels: spec.redis.sentinelCredentialsSecretRef is set, and the
	// Redis that the operator's --default-redis or a uri names has no sentinels.
	ReasonNoSentinels = "NoSentinels"
	// ReasonInvalidPodTemplate: the API server refuses the worker Deployment
	// that spec.template leads to. Change spec.template.
	ReasonInvalidPodTemplate = "InvalidPodTemplate"
	// ReasonInvalidSchedule: the API server refuses the CronJob that
	// spec.timeoutReload leads to. On TimeoutReloadScheduled too.
	ReasonInvalidSchedule = "InvalidSchedule"
	// ReasonNameConflict: an object that is not this queue's stands under the
	// name of a child. Delete it or rename the queue.
	ReasonNameConflict = "NameConflict"
	// ReasonChannelConflict: an older AsyncQueue uses the same channel of the
	// same Redis. Choose another channel, database or Redis. On
	// ChannelConflict too.
	ReasonChannelConflict = "ChannelConflict"
)
