package workerenv

import "strings"

// Prefix begins the name of every variable.
const Prefix = "ASYNCQUEUE_"

// The variables, in the order of Settings.
const (
	Redis                      = Prefix + "REDIS"
	RedisCredentialsDir        = Prefix + "REDIS_CREDENTIALS_DIR"
	RedisSentinelCredentials   = Prefix + "REDIS_SENTINEL_CREDENTIALS_DIR"
	RedisTLSCAFile             = Prefix + "REDIS_TLS_CA_FILE"
	RedisTLSCertFile           = Prefix + "REDIS_TLS_CERT_FILE"
	RedisTLSKeyFile            = Prefix + "REDIS_TLS_KEY_FILE"
	RedisTLSServerName         = Prefix + "REDIS_TLS_SERVER_NAME"
	RedisTLSInsecureSkipVerify = Prefix + "REDIS_TLS_INSECURE_SKIP_VERIFY"
	Channel                    = Prefix + "CHANNEL"
	PopSeconds                 = Prefix + "POP_SECONDS"
	HandleSeconds              = Prefix + "HANDLE_SECONDS"
	RetrySeconds               = Prefix + "RETRY_SECONDS"
	DrainSeconds               = Prefix + "DRAIN_SECONDS"
	MaxAttempts                = Prefix + "MAX_ATTEMPTS"
	Concurrency                = Prefix + "CONCURRENCY"
	MaxMessages                = Prefix + "MAX_MESSAGES"
	MaxMemoryPercent           = Prefix + "MAX_MEMORY_PERCENT"
	Exclusive                  = Prefix + "EXCLUSIVE"
	HTTPURL                    = Prefix + "HTTP_URL"
	Exec                       = Prefix + "EXEC"
	PayloadForm                = Prefix + "PAYLOAD"
	Listen                     = Prefix + "LISTEN"
	Pprof                      = Prefix + "PPROF"
	JobLogChoice               = Prefix + "JOB_LOG"
	LogFormatChoice            = Prefix + "LOG_FORMAT"
	HandleTimeoutPolicy        = Prefix + "ON_HANDLE_TIMEOUT"
	LateSuccessPolicy          = Prefix + "ON_LATE_SUCCESS"
	MaxMessageBytes            = Prefix + "MAX_MESSAGE_BYTES"
	WorkerLoss                 = Prefix + "ON_WORKER_LOSS"
	MaxReloads                 = Prefix + "MAX_RELOADS"
	Queue                      = Prefix + "QUEUE"
	Owner                      = Prefix + "OWNER"
	Pod                        = Prefix + "POD"
)

// Variable is one entry of the list: a field of Settings with its names and its
// text form.
type Variable struct {
	// Name is the environment variable.
	Name string
	// Usage is one line for people, without the default.
	Usage string

	field field
}

// Flag returns the name of the command line flag: ASYNCQUEUE_POP_SECONDS is
// pop-seconds.
func (v Variable) Flag() string {
	return strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(v.Name, Prefix)), "_", "-")
}

// Text returns the variable's value in s. Empty means that it is not set.
func (v Variable) Text(s *Settings) string { return v.field.text(s) }

// Set parses text into s. The error names the variable and its flag.
func (v Variable) Set(s *Settings, text string) error {
	if err := v.field.parse(s, text); err != nil {
		return &Error{Variable: v, Err: err}
	}
	return nil
}

// IsBool says that the flag may stand without a value.
func (v Variable) IsBool() bool { return v.field.kind == kindBool }

// Kind names the value's type in usage lines: text, number, seconds, bool.
func (v Variable) Kind() string { return v.field.kind }

// Variables returns the whole list.
func Variables() []Variable {
	return []Variable{
		{Redis, "Redis as redis://host:port/database, redis-sentinel://host:port,.../database?master=name or redis-cluster://host:port,...; rediss for TLS; no credentials in it", textField(func(s *Settings) *string { return &s.Redis })},
		{RedisCredentialsDir, "folder with the files username and password, or uri", textField(func(s *Settings) *string { return &s.CredentialsDir })},
		{RedisSentinelCredentials, "folder with the files username and password for the sentinels", textField(func(s *Settings) *string { return &s.SentinelCredentialsDir })},
		{RedisTLSCAFile, "PEM file with the authorities to trust", textField(func(s *Settings) *string { return &s.TLS.CAFile })},
		{RedisTLSCertFile, "PEM file with the client certificate", textField(func(s *Settings) *string { return &s.TLS.CertFile })},
		{RedisTLSKeyFile, "PEM file with the client certificate's key", textField(func(s *Settings) *string { return &s.TLS.KeyFile })},
		{RedisTLSServerName, "name that the server's certificate must carry", textField(func(s *Settings) *string { return &s.TLS.ServerName })},
		{RedisTLSInsecureSkipVerify, "do not verify the server's certificate", boolField(func(s *Settings) *bool { return &s.TLS.InsecureSkipVerify })},
		{Channel, "channel of the queue, the prefix of its keys", textField(func(s *Settings) *string { return &s.Channel })},
		{PopSeconds, "longest wait for a message", secondsField(func(s *Settings) *duration { return &s.Pop })},
		{HandleSeconds, "handle timeout: a run that takes longer stands in timeout", secondsField(func(s *Settings) *duration { return &s.Handle })},
		{RetrySeconds, "delays before each retry, as 5,10,60; the last repeats", secondsListField(func(s *Settings) *[]duration { return &s.Retry })},
		{DrainSeconds, "how long handlers may go on after SIGTERM (default handle-seconds + 20)", optionalSecondsField(func(s *Settings) *duration { return &s.Drain })},
		{MaxAttempts, "retries of messages that carry no maxAttempts of their own", numberField(func(s *Settings) *int { return &s.MaxAttempts })},
		{Concurrency, "handlers that run at once", numberField(func(s *Settings) *int { return &s.Concurrency })},
		{MaxMessages, "replace the process by a fresh one after so many messages; 0 is never", optionalNumberField(func(s *Settings) *int { return &s.MaxMessages })},
		{MaxMemoryPercent, "replace the process when it uses more than this share of the container's memory limit; 0 is never", optionalNumberField(func(s *Settings) *int { return &s.MaxMemoryPercent })},
		{Exclusive, "run one message at a time, across all workers; needs concurrency 1", boolField(func(s *Settings) *bool { return &s.Exclusive })},
		{HTTPURL, "post each message there as a CloudEvent", textField(func(s *Settings) *string { return &s.HTTPURL })},
		{Exec, "start this command per message; words, or a JSON array of strings", wordsField(func(s *Settings) *[]string { return &s.Exec })},
		{PayloadForm, "what a command reads: json or raw", choiceField(func(s *Settings) *Payload { return &s.Payload }, PayloadJSON, PayloadRaw)},
		{Listen, "address of /livez, /readyz and /metrics", textField(func(s *Settings) *string { return &s.Listen })},
		{Pprof, "serve runtime profiles below /debug/pprof/ too", boolField(func(s *Settings) *bool { return &s.Pprof })},
		{JobLogChoice, "events of jobs to log: failures, all or none", choiceField(func(s *Settings) *JobLog { return &s.JobLog }, JobLogFailures, JobLogAll, JobLogNone)},
		{LogFormatChoice, "form of log lines: json or text", choiceField(func(s *Settings) *LogFormat { return &s.LogFormat }, LogJSON, LogText)},
		{HandleTimeoutPolicy, "a run past the handle timeout: Continue (its message stands in timeout) or Cancel (a failed attempt)", choiceField(func(s *Settings) *OnHandleTimeout { return &s.OnHandleTimeout }, TimeoutContinue, TimeoutCancel)},
		{LateSuccessPolicy, "the message of a run that ends well past the handle timeout: Keep (in timeout) or Remove", choiceField(func(s *Settings) *OnLateSuccess { return &s.OnLateSuccess }, LateKeep, LateRemove)},
		{MaxMessageBytes, "bytes that a message may have; larger ones go to failed; 0 is no limit", numberField(func(s *Settings) *int { return &s.MaxMessageBytes })},
		{WorkerLoss, "what a dead worker held goes back to waiting: Immediately, or OnSchedule (it stands in timeout until a reload)", choiceField(func(s *Settings) *OnWorkerLoss { return &s.OnWorkerLoss }, LossOnSchedule, LossImmediately)},
		{MaxReloads, "redeliveries and reloads of a message before it goes to failed; 0 is no limit", numberField(func(s *Settings) *int { return &s.MaxReloads })},
		{Queue, "namespace/name of the AsyncQueue", textField(func(s *Settings) *string { return &s.Queue })},
		{Owner, "UID of the AsyncQueue", textField(func(s *Settings) *string { return &s.Owner })},
		{Pod, "name of the pod", textField(func(s *Settings) *string { return &s.Pod })},
	}
}

// Named returns the variable called name. It panics for a name that is not one
// of the constants of this package.
func Named(name string) Variable {
	for _, v := range Variables() {
		if v.Name == name {
			return v
		}
	}
	panic("workerenv: no variable " + name)
}
