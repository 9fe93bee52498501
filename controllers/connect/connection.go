package connect

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"

	queuev1alpha1 "github.com/asyncqueue/operator/api/v1alpha1"
	"github.com/asyncqueue/operator/controllers/poll"
	"github.com/asyncqueue/operator/internal/redisconn"
	"github.com/asyncqueue/operator/queue"
)

// address takes the spec's addresses, or the operator's default, where no uri
// gave any.
func (r *Resolver) address(_ context.Context, b *builder) error {
	switch {
	case len(b.place.Addresses) > 0:
		return nil
	case len(b.spec.Addresses) > 0:
		return b.takeAddresses()
	case r.fallback.URL == "":
		return &Problem{
			Reason: queuev1alpha1.ReasonNoRedis, Stalled: true,
			Message: "the operator has no default Redis: set spec.redis.addresses",
		}
	}
	place, _, err := redisconn.ParseURL(r.fallback.URL)
	if err != nil {
		return fmt.Errorf("reading the operator's default Redis: %w", err)
	}
	b.place, b.source = place, "the operator's --default-redis"
	if b.spec.CredentialsSecretRef == nil {
		b.credentialsDir = r.fallback.CredentialsDir
	}
	if b.spec.SentinelCredentialsSecretRef == nil {
		b.sentinelCredentialsDir = r.fallback.SentinelCredentialsDir
	}
	return nil
}

func (b *builder) takeAddresses() error {
	for i, address := range b.spec.Addresses {
		if _, _, err := net.SplitHostPort(address); err != nil {
			return &Problem{
				Reason: queuev1alpha1.ReasonNoRedis, Stalled: true,
				Message: fmt.Sprintf("spec.redis.addresses[%d] is not host:port: correct it", i),
			}
		}
	}
	b.place = redisconn.Place{
		Mode:      redisconn.Mode(cmp.Or(b.spec.Mode, queuev1alpha1.RedisModeStandalone)),
		TLS:       b.spec.TLS != nil && b.spec.TLS.Enabled,
		Addresses: b.spec.Addresses,
		Master:    b.spec.MasterName,
	}
	if b.spec.Database != nil {
		b.place.Database = int(*b.spec.Database)
	}
	b.source, b.lookup = "spec.redis", bareNamespace(b.place, b.namespace)
	return nil
}

// suitable says what the rest of the spec asks for and a Redis of that mode has
// not. The schema's rules see only the mode that the spec itself names.
func suitable(_ context.Context, b *builder) error {
	switch {
	case b.place.Mode == redisconn.Cluster && !queue.HasHashTag(b.channel):
		return &Problem{
			Reason: queuev1alpha1.ReasonHashTagMissing, Stalled: true, Until: b.until,
			Message: fmt.Sprintf("%s names a Redis Cluster, where channel %s needs a hash tag, so that all keys of the queue stand on one node: create another AsyncQueue whose channel has one, such as {%s}, and give the producers the same channel",
				b.source, b.channel, strings.NewReplacer("{", "", "}", "").Replace(b.channel)),
		}
	case b.place.Mode != redisconn.Sentinel && b.spec.SentinelCredentialsSecretRef != nil:
		return &Problem{
			Reason: queuev1alpha1.ReasonNoSentinels, Stalled: true, Until: b.until,
			Message: b.source + " names a Redis without sentinels: remove spec.redis.sentinelCredentialsSecretRef",
		}
	}
	return nil
}

func (b *builder) connection() Connection {
	b.pods.URL = b.place.URL()
	b.pods.SecretsDigest = joinDigests(b.digests)
	config := redisconn.Config{
		URL:                    b.pods.URL,
		Namespace:              b.lookup,
		CredentialsDir:         b.credentialsDir,
		Username:               b.credentials.username,
		Password:               b.credentials.password,
		SentinelCredentialsDir: b.sentinelCredentialsDir,
		SentinelUsername:       b.sentinelCredentials.username,
		SentinelPassword:       b.sentinelCredentials.password,
		TLS: redisconn.TLS{
			CA: b.ca, Cert: b.cert, Key: b.key,
			ServerName: b.pods.ServerName, InsecureSkipVerify: b.pods.InsecureSkipVerify,
		},
	}
	return Connection{
		Pods:  b.pods,
		Place: placeOf(b.place, b.lookup),
		Until: b.until,
		Poll: poll.Redis{
			ID: identityOf(config.URL, config.Namespace, config.CredentialsDir, config.Username, config.Password,
				config.SentinelCredentialsDir, config.SentinelUsername, config.SentinelPassword,
				string(b.ca), string(b.cert), string(b.key), config.TLS.ServerName, strconv.FormatBool(config.TLS.InsecureSkipVerify)),
			Address: b.place.String(),
			Config:  config,
		},
	}
}
