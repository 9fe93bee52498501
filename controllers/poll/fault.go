package poll

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

	queuev1alpha1 "github.com/asyncqueue/operator/api/v1alpha1"
	"github.com/asyncqueue/operator/internal/redisconn"
)

// Fault is why a queue cannot be seen, fit for a condition: the message holds
// neither numbers that change nor secrets.
type Fault struct {
	// Reason is one of the API package's, for the condition QueueReachable.
	Reason string
	// Message says what to look at.
	Message string

	// passing marks what one lost packet may cause: it counts only when it lasts.
	passing bool
}

// refusals are the answers of Redis by their first word.
var refusals = map[string]struct{ reason, advice string }{
	"NOAUTH":      {queuev1alpha1.ReasonRedisAuthenticationFailed, "wants a password; set spec.redis.credentialsSecretRef"},
	"WRONGPASS":   {queuev1alpha1.ReasonRedisAuthenticationFailed, "refuses the user name or the password"},
	"NOPERM":      {queuev1alpha1.ReasonRedisPermissionDenied, "does not let the user run a command, or touch a key, that the queue needs"},
	"WRONGTYPE":   {queuev1alpha1.ReasonRedisWrongType, "holds another type than a queue's under one of its keys: something else uses the channel"},
	"READONLY":    {queuev1alpha1.ReasonRedisNotWritable, "is a read-only replica"},
	"LOADING":     {queuev1alpha1.ReasonRedisNotWritable, "is loading its data"},
	"OOM":         {queuev1alpha1.ReasonRedisNotWritable, "is out of memory"},
	"MISCONF":     {queuev1alpha1.ReasonRedisNotWritable, "does not accept writes, since it cannot save its data"},
	"MASTERDOWN":  {queuev1alpha1.ReasonRedisNotWritable, "is a replica that lost its master"},
	"CLUSTERDOWN": {queuev1alpha1.ReasonRedisNotWritable, "is a cluster that is down"},
	"NOREPLICAS":  {queuev1alpha1.ReasonRedisNotWritable, "does not accept writes, since it lacks replicas"},
}

// faultOf explains err, which came from r.
func faultOf(err error, r Redis) *Fault {
	address := r.Address
	if errors.Is(err, redisconn.ErrSentinels) {
		return sentinelFault(err, r)
	}
	word, _, _ := strings.Cut(refusal(err), " ")
	if known, ok := refusals[word]; ok {
		return &Fault{Reason: known.reason, Message: fmt.Sprintf("Redis at %s %s", address, known.advice)}
	}
	if cause := tlsCause(err); cause != "" {
		return &Fault{Reason: queuev1alpha1.ReasonRedisTLSFailed, Message: fmt.Sprintf("the TLS handshake with Redis at %s fails: %s", address, cause)}
	}
	return &Fault{
		Reason:  queuev1alpha1.ReasonRedisUnreachable,
		Message: fmt.Sprintf("Redis at %s does not answer: %s", address, networkCause(err, isSecure(r))),
		passing: true,
	}
}

// sentinelFault explains what went wrong before the master was known.
func sentinelFault(err error, r Redis) *Fault {
	word, _, _ := strings.Cut(refusal(err), " ")
	switch known := refusals[word]; {
	case errors.Is(err, redisconn.ErrUnknownMaster):
		return &Fault{Reason: queuev1alpha1.ReasonRedisMasterUnknown, Message: fmt.Sprintf("the sentinels of %s know no master of that name; correct spec.redis.masterName", r.Address)}
	case known.reason == queuev1alpha1.ReasonRedisAuthenticationFailed:
		return &Fault{Reason: known.reason, Message: fmt.Sprintf("the sentinels of %s refuse the user name or the password; set or correct spec.redis.sentinelCredentialsSecretRef", r.Address)}
	case known.reason == queuev1alpha1.ReasonRedisPermissionDenied:
		return &Fault{Reason: known.reason, Message: fmt.Sprintf("the sentinels of %s do not let the user run SENTINEL get-master-addr-by-name", r.Address)}
	}
	if cause := tlsCause(err); cause != "" {
		return &Fault{Reason: queuev1alpha1.ReasonRedisTLSFailed, Message: fmt.Sprintf("the TLS handshake with the sentinels of %s fails: %s", r.Address, cause)}
	}
	return &Fault{
		Reason:  queuev1alpha1.ReasonRedisUnreachable,
		Message: fmt.Sprintf("the sentinels of %s do not answer: %s", r.Address, networkCause(err, isSecure(r))),
		passing: true,
	}
}

// redisError is what go-redis makes of an error that Redis answered with.
type redisError interface {
	error
	RedisError()
}

// refusal is Redis's own error text within err; empty: Redis did not answer.
func refusal(err error) string {
	var answered redisError
	if !errors.As(err, &answered) {
		return ""
	}
	text := strings.TrimPrefix(answered.Error(), "ERR ")
	// Redis takes only short commands before it knows the user.
	if strings.Contains(text, "unauthenticated") || strings.HasPrefix(text, "AUTH ") {
		return "NOAUTH"
	}
	return text
}

func tlsCause(err error) string {
	var (
		unknown  x509.UnknownAuthorityError
		hostname x509.HostnameError
		invalid  x509.CertificateInvalidError
		record   tls.RecordHeaderError
		alert    tls.AlertError
		verify   *tls.CertificateVerificationError
	)
	switch {
	case errors.As(err, &unknown):
		return "its certificate is signed by an unknown authority"
	case errors.As(err, &hostname):
		return "its certificate is for another name"
	case errors.As(err, &invalid):
		return "its certificate is not valid (" + invalid.Error() + ")"
	case errors.As(err, &verify):
		return "its certificate is not accepted"
	case errors.As(err, &record):
		return "the server does not speak TLS"
	case errors.As(err, &alert):
		return "the server refuses (" + alert.Error() + ")"
	}
	return ""
}

func isSecure(r Redis) bool { return strings.HasPrefix(r.Config.URL, "rediss") }

// networkCause puts a network error into words that stay the same from one look
// to the next; net's own texts carry local ports.
func networkCause(err error, secure bool) string {
	var dns *net.DNSError
	var timeout net.Error
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return "no such host"
	case errors.As(err, &dns):
		return "its name cannot be resolved"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "no route to it"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		if secure { // a Redis without TLS waits for the end of what it takes for a command
			return "time ran out; if it does not speak TLS, set spec.redis.tls.enabled to false"
		}
		return "time ran out"
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, net.ErrClosed):
		return "the connection was closed"
	default:
		return "the connection failed"
	}
}
