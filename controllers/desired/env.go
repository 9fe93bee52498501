package desired

import (
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	queuev1alpha1 "github.com/asyncqueue/operator/api/v1alpha1"
	"github.com/asyncqueue/operator/internal/workerenv"
)

// workerEnv is the environment of the worker, sorted by name, then its pod's
// name, which only the kubelet knows.
func workerEnv(in Input) []corev1.EnvVar {
	env := variables(workerSettings(in))
	env = append(env, corev1.EnvVar{
		Name: workerenv.Pod,
		ValueFrom: &corev1.EnvVarSource{
			FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: "metadata.name"},
		},
	})
	slices.SortFunc(env, byName)
	return env
}

// reloadEnv is the environment of the reload CronJob: where the queue is, and
// nothing about consuming it.
func reloadEnv(in Input) []corev1.EnvVar {
	s := workerenv.Defaults()
	in.Redis.tell(&s)
	s.Channel = in.Queue.EffectiveChannel()
	s.Queue = in.Queue.Namespace + "/" + in.Queue.Name
	return slices.DeleteFunc(variables(s), func(v corev1.EnvVar) bool { return !isAboutPlace(v.Name) })
}

func isAboutPlace(variable string) bool {
	switch variable {
	case workerenv.Redis, workerenv.RedisCredentialsDir, workerenv.RedisSentinelCredentials, workerenv.RedisTLSCAFile, workerenv.RedisTLSCertFile,
		workerenv.RedisTLSKeyFile, workerenv.RedisTLSServerName, workerenv.RedisTLSInsecureSkipVerify,
		workerenv.Channel, workerenv.Queue:
		return true
	}
	return false
}

func workerSettings(in Input) workerenv.Settings {
	q, s := in.Queue, workerenv.Defaults()
	in.Redis.tell(&s)
	s.Channel = q.EffectiveChannel()
	s.Pop = seconds(q.Spec.Timeouts.PopSeconds)
	s.Handle = seconds(q.Spec.Timeouts.HandleSeconds)
	s.Retry = nil
	for _, r := range q.Spec.Timeouts.RetrySeconds {
		s.Retry = append(s.Retry, seconds(r))
	}
	s.Drain = seconds(q.Spec.Timeouts.EffectiveDrainSeconds())
	s.MaxAttempts = int(q.Spec.MaxAttempts)
	s.Concurrency = int(q.Spec.Concurrency)
	s.MaxMessages = int(q.Spec.MaxMessages)
	s.MaxMemoryPercent = int(q.Spec.MaxMemoryPercent)
	s.Exclusive = q.Spec.Exclusive
	setPolicies(&s, q.Spec)
	setHandler(&s, q.Spec.Handler)
	s.Queue = q.Namespace + "/" + q.Name
	s.Owner = string(q.UID)
	return s
}

// setPolicies tells what to do with messages that are late, large or left behind.
// An empty choice stands for its default, as before the schema filled it in.
func setPolicies(s *workerenv.Settings, spec queuev1alpha1.AsyncQueueSpec) {
	if choice := spec.Timeouts.OnHandleTimeout; choice != "" {
		s.OnHandleTimeout = workerenv.OnHandleTimeout(choice)
	}
	if choice := spec.Timeouts.OnLateSuccess; choice != "" {
		s.OnLateSuccess = workerenv.OnLateSuccess(choice)
	}
	if spec.MaxMessageBytes > 0 {
		s.MaxMessageBytes = int(spec.MaxMessageBytes)
	}
	if reload := spec.TimeoutReload; reload != nil {
		s.OnWorkerLoss, s.MaxReloads = workerenv.LossImmediately, int(reload.MaxReloads)
		if choice := reload.OnWorkerLoss; choice != "" {
			s.OnWorkerLoss = workerenv.OnWorkerLoss(choice)
		}
	}
}

func setHandler(s *workerenv.Settings, h *queuev1alpha1.Handler) {
	switch {
	case h == nil:
	case h.HTTP != nil:
		s.HTTPURL = h.HTTP.URL
	case h.Exec != nil:
		s.Exec = h.Exec.Command
	}
}

func variables(s workerenv.Settings) []corev1.EnvVar {
	pairs := s.Encode()
	env := make([]corev1.EnvVar, 0, len(pairs)+1)
	for _, p := range pairs {
		env = append(env, corev1.EnvVar{Name: p.Name, Value: escapeReferences(p.Value)})
	}
	return env
}

func seconds(n int32) time.Duration { return time.Duration(n) * time.Second }

// escapeReferences keeps Kubernetes from expanding $(NAME) in a value: a channel
// or a command is meant as it stands.
func escapeReferences(value string) string { return strings.ReplaceAll(value, "$", "$$") }

func byName(a, b corev1.EnvVar) int { return strings.Compare(a.Name, b.Name) }
