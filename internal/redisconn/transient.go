package redisconn

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/redis/go-redis/v9"
)

// transientAnswers are the prefixes of what Redis says when the same command may succeed later, on
// this connection or on another one.
var transientAnswers = []string{
	"READONLY", "LOADING", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "MOVED", "ASK", "OOM", "NOREPLICAS",
	"BUSY", "MISCONF", "UNBLOCKED", "max number of clients", "maxclients",
}

// IsTransient reports whether an error may pass by itself: a lost or refused connection, a timeout,
// a fail-over, a Redis that starts or is full. What a person has to change (a wrong password, a
// missing permission, a key of a wrong type, an untrusted certificate) is not transient, nor is a
// context that was cancelled.
func IsTransient(err error) bool {
	switch {
	case err == nil, errors.Is(err, context.Canceled), errors.Is(err, redis.Nil), errors.Is(err, redis.ErrClosed):
		return false
	case errors.Is(err, redis.ErrPoolTimeout), errors.Is(err, redis.ErrPoolExhausted), errors.Is(err, context.DeadlineExceeded):
		return true
	case isCertificateError(err):
		return false
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return true
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, syscall.ECONNREFUSED):
		return true
	}
	var answer redis.Error
	if errors.As(err, &answer) {
		return isTransientAnswer(answer.Error())
	}
	var network net.Error
	return errors.As(err, &network) || errors.Is(err, ErrSentinels)
}

func isTransientAnswer(text string) bool {
	text = strings.TrimPrefix(text, "ERR ")
	for _, prefix := range transientAnswers {
		if strings.HasPrefix(text, prefix) {
			return true
		}
	}
	return false
}

func isCertificateError(err error) bool {
	var (
		verification *tls.CertificateVerificationError
		authority    x509.UnknownAuthorityError
		host         x509.HostnameError
		invalid      x509.CertificateInvalidError
	)
	return errors.As(err, &verification) || errors.As(err, &authority) || errors.As(err, &host) || errors.As(err, &invalid)
}
