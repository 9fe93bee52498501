// Package workerenv is the contract between the operator and the worker
// process: the list of ASYNCQUEUE_* environment variables, each with the
// command line flag that is derived from its name.
//
// The operator fills a Settings and calls Encode; the worker calls Decode. No
// other file spells one of these names.
package workerenv

import (
	"time"
)

// Settings is everything that a worker process is told from outside. Defaults
// returns it with the values that an absent variable stands for.
type Settings struct {
	// Redis is the server's URL, redis:// or rediss://, without credentials:
	// redis://host:6379/0; forms for sentinels and clusters are redisconn's.
	// Required, unless CredentialsDir has a uri.
	Redis string
	// CredentialsDir is a folder with the files username and password, or uri.
	// Empty: no credentials.
	CredentialsDir string
	// SentinelCredentialsDir is a folder with the files username and password
	// for the sentinels. Empty: no credentials.
	SentinelCredentialsDir string
	// TLS applies to a rediss:// URL.
	TLS TLS
	// Channel is the queue's channel, the prefix of its keys in Redis. Required.
	Channel string

	// Pop is the longest wait for a message in one call. Default 2 s.
	Pop time.Duration
	// Handle is the handle timeout: a run that takes longer stands in
	// `timeout`. Default 10 s.
	Handle time.Duration
	// Retry holds the delay before each retry; the last one repeats. Default
	// 5 s. An empty list means 10 s.
	Retry []time.Duration
	// Drain is how long running handlers may go on after SIGTERM. Zero: Handle
	// plus 20 s (see DrainTimeout).
	Drain time.Duration
	// MaxAttempts is for messages that do not carry their own: n allows n+1
	// runs. Default 0.
	MaxAttempts int
	// Concurrency is the number of handlers that run at once. Default 10.
	Concurrency int

	// MaxMessages is after how many messages the worker replaces its process by a
	// fresh one. Default 0: never.
	MaxMessages int
	// MaxMemoryPercent is the share of the container's memory limit beyond which the
	// worker replaces its process by a fresh one. Default 0: never.
	MaxMemoryPercent int
	// Exclusive makes one message run at a time, across all workers. It needs a
	// Concurrency of 1.
	Exclusive bool

	// HTTPURL makes the worker post each message there as a CloudEvent.
	HTTPURL string
	// Exec makes the worker start this command, once per message.
	Exec []string
	// Payload is what an exec handler reads on its standard input. Default json.
	Payload Payload

	// Listen is the address of /livez, /readyz and /metrics. Default :8080.
	Listen string
	// Pprof serves runtime profiles beside the metrics. Default false.
	Pprof bool
	// JobLog chooses which events of jobs are logged. Default failures.
	JobLog JobLog
	// LogFormat is the form of log lines. Default json.
	LogFormat LogFormat

	// OnHandleTimeout is what happens to a run that takes longer than Handle.
	// Default Continue.
	OnHandleTimeout OnHandleTimeout
	// OnLateSuccess is what happens to the message, in `timeout`, of such a run
	// that ends well. Default Keep.
	OnLateSuccess OnLateSuccess
	// MaxMessageBytes is how large a message may be; larger ones go to `failed`.
	// 0 is any size. Default 1 MiB.
	MaxMessageBytes int
	// OnWorkerLoss is what becomes of messages that a dead worker held.
	// Default OnSchedule.
	OnWorkerLoss OnWorkerLoss
	// MaxReloads is how often a message may be redelivered after a crash or
	// reloaded from `timeout` before it goes to `failed`. 0 is no limit.
	// Default 3.
	MaxReloads int

	// Queue is the AsyncQueue, namespace/name, for logs and the source of
	// CloudEvents. Empty outside Kubernetes.
	Queue string
	// Owner is the UID of the AsyncQueue. Empty outside Kubernetes.
	Owner string
	// Pod is the name of the worker's pod; the operator sets it by the downward
	// API. Empty outside Kubernetes.
	Pod string
}

// TLS says how a rediss:// connection is verified.
type TLS struct {
	// CAFile is a PEM file with the authorities to trust. Empty: the system's.
	CAFile string
	// CertFile and KeyFile are the client's certificate, PEM. Both or neither.
	CertFile, KeyFile string
	// ServerName replaces the host name that the certificate must carry.
	ServerName string
	// InsecureSkipVerify turns verification off.
	InsecureSkipVerify bool
}

// Payload is the form in which an exec handler reads a message.
type Payload string

// The forms of a message on an exec handler's standard input.
const (
	PayloadJSON Payload = "json" // a CloudEvent in structured mode
	PayloadRaw  Payload = "raw"  // the bytes as they stood in Redis
)

// JobLog chooses which events of jobs are logged.
type JobLog string

// The choices of job log.
const (
	JobLogFailures JobLog = "failures" // Failed, Retried and timeouts
	JobLogAll      JobLog = "all"      // Processing and Processed as well
	JobLogNone     JobLog = "none"
)

// LogFormat is the form of log lines.
type LogFormat string

// The forms of log lines.
const (
	LogJSON LogFormat = "json"
	LogText LogFormat = "text"
)

// OnWorkerLoss is what becomes of messages that a dead worker held.
type OnWorkerLoss string

// The policies on the loss of a worker.
const (
	LossOnSchedule  OnWorkerLoss = "OnSchedule"  // they stand in `timeout`, for a reload
	LossImmediately OnWorkerLoss = "Immediately" // they go back to `waiting`
)

// OnHandleTimeout is what happens to a run that takes longer than the handle
// timeout.
type OnHandleTimeout string

// The policies on a passed handle timeout.
const (
	TimeoutContinue OnHandleTimeout = "Continue" // it goes on; its message stands in `timeout`
	TimeoutCancel   OnHandleTimeout = "Cancel"   // its context is cancelled; it is a failed attempt
)

// OnLateSuccess is what happens to the message of a run that ended well, but late.
type OnLateSuccess string

// The policies on late success.
const (
	LateKeep   OnLateSuccess = "Keep"   // it stays in `timeout`
	LateRemove OnLateSuccess = "Remove" // it leaves `timeout`
)

// Defaults returns the settings that an empty environment stands for. Redis and
// Channel have no default.
func Defaults() Settings {
	return Settings{
		Pop:             2 * time.Second,
		Handle:          10 * time.Second,
		Retry:           []time.Duration{5 * time.Second},
		Concurrency:     10,
		Payload:         PayloadJSON,
		Listen:          ":8080",
		JobLog:          JobLogFailures,
		LogFormat:       LogJSON,
		OnHandleTimeout: TimeoutContinue,
		OnLateSuccess:   LateKeep,
		MaxMessageBytes: 1 << 20,
		OnWorkerLoss:    LossOnSchedule,
		MaxReloads:      3,
	}
}

// DrainTimeout returns Drain, or its default, Handle plus 20 s.
func (s Settings) DrainTimeout() time.Duration {
	if s.Drain > 0 {
		return s.Drain
	}
	return s.Handle + 20*time.Second
}
