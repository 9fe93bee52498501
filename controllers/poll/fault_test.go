package poll

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"testing"

	queuev1alpha1 "github.com/asyncqueue/operator/api/v1alpha1"
	"github.com/asyncqueue/operator/internal/redisconn"
)

// answer is an error that Redis answered with.
type answer string

func (a answer) Error() string { return string(a) }
func (answer) RedisError()     {}

func TestFaultOf(t *testing.T) {
	dial := func(err error) error {
		return &net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 6379}, Err: err}
	}
	tests := map[string]struct {
		err         error
		wantReason  string
		wantMessage string
	}{
		"refused":        {dial(syscall.ECONNREFUSED), queuev1alpha1.ReasonRedisUnreachable, "Redis at redis:6379 does not answer: connection refused"},
		"no name":        {dial(&net.DNSError{IsNotFound: true}), queuev1alpha1.ReasonRedisUnreachable, "Redis at redis:6379 does not answer: no such host"},
		"name service":   {dial(&net.DNSError{IsTimeout: true}), queuev1alpha1.ReasonRedisUnreachable, "Redis at redis:6379 does not answer: its name cannot be resolved"},
		"deadline":       {context.DeadlineExceeded, queuev1alpha1.ReasonRedisUnreachable, "Redis at redis:6379 does not answer: time ran out"},
		"end":            {io.EOF, queuev1alpha1.ReasonRedisUnreachable, "Redis at redis:6379 does not answer: the connection was closed"},
		"anything":       {errors.New("127.0.0.1:34567 broke"), queuev1alpha1.ReasonRedisUnreachable, "Redis at redis:6379 does not answer: the connection failed"},
		"no password":    {answer("NOAUTH Authentication required."), queuev1alpha1.ReasonRedisAuthenticationFailed, "Redis at redis:6379 wants a password; set spec.redis.credentialsSecretRef"},
		"wrong password": {answer("WRONGPASS invalid username-password pair"), queuev1alpha1.ReasonRedisAuthenticationFailed, "Redis at redis:6379 refuses the user name or the password"},
		"no permission":  {answer("NOPERM this user has no permissions"), queuev1alpha1.ReasonRedisPermissionDenied, "Redis at redis:6379 does not let the user run a command, or touch a key, that the queue needs"},
		"wrong type":     {answer("WRONGTYPE Operation against a key"), queuev1alpha1.ReasonRedisWrongType, "Redis at redis:6379 holds another type than a queue's under one of its keys: something else uses the channel"},
		"a replica":      {answer("READONLY You can't write against a read only replica."), queuev1alpha1.ReasonRedisNotWritable, "Redis at redis:6379 is a read-only replica"},
		"full":           {answer("OOM command not allowed"), queuev1alpha1.ReasonRedisNotWritable, "Redis at redis:6379 is out of memory"},
		"no sentinel":    {fmt.Errorf("%w: %w", redisconn.ErrSentinels, dial(syscall.ECONNREFUSED)), queuev1alpha1.ReasonRedisUnreachable, "the sentinels of redis:6379 do not answer: connection refused"},
		"no such master": {fmt.Errorf("%w: %w", redisconn.ErrSentinels, redisconn.ErrUnknownMaster), queuev1alpha1.ReasonRedisMasterUnknown, "the sentinels of redis:6379 know no master of that name; correct spec.redis.masterName"},
		"sentinels' password": {fmt.Errorf("%w: %w", redisconn.ErrSentinels, answer("WRONGPASS invalid")), queuev1alpha1.ReasonRedisAuthenticationFailed,
			"the sentinels of redis:6379 refuse the user name or the password; set or correct spec.redis.sentinelCredentialsSecretRef"},
		"sentinels' authority": {fmt.Errorf("%w: %w", redisconn.ErrSentinels, &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}), queuev1alpha1.ReasonRedisTLSFailed,
			"the TLS handshake with the sentinels of redis:6379 fails: its certificate is signed by an unknown authority"},
		"authority": {&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}, queuev1alpha1.ReasonRedisTLSFailed, "the TLS handshake with Redis at redis:6379 fails: its certificate is signed by an unknown authority"},
		"no TLS":    {tls.RecordHeaderError{}, queuev1alpha1.ReasonRedisTLSFailed, "the TLS handshake with Redis at redis:6379 fails: the server does not speak TLS"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			got := faultOf(fmt.Errorf("tending {orders}: %w", tc.err), Redis{Address: "redis:6379"})
			if got.Reason != tc.wantReason || got.Message != tc.wantMessage {
				t.Errorf("faultOf() = %s %q\nwant %s %q", got.Reason, got.Message, tc.wantReason, tc.wantMessage)
			}
		})
	}
}
