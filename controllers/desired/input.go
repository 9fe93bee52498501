package desired

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	queuev1alpha1 "github.com/asyncqueue/operator/api/v1alpha1"
)

// Input is all that the children of one queue are built from.
type Input struct {
	// Queue is the resource. Not changed.
	Queue *queuev1alpha1.AsyncQueue
	// WorkerImage is the operator's worker image: that of the reload CronJob, and
	// of the workers unless the queue's template names another.
	WorkerImage string
	// Replicas is the number of workers.
	Replicas int32
	// Redis is where the queue lives, resolved.
	Redis Redis
}

// Redis is a queue's Redis, as its pods are told.
type Redis struct {
	// URL is one of redisconn's forms, without credentials.
	URL string
	// Credentials, SentinelCredentials, CA and Cert are Secrets that are mounted as
	// files; nil: none. The keys of each are those of the API package.
	Credentials, SentinelCredentials, CA, Cert *SecretFiles
	// ServerName replaces the host name that the server's certificate must carry.
	ServerName string
	// InsecureSkipVerify accepts any certificate.
	InsecureSkipVerify bool
	// SecretsDigest stands for the content of the Secrets; empty: there are none.
	SecretsDigest string
}

// SecretFiles is a Secret of which some keys become files.
type SecretFiles struct {
	Name string
	Keys []string
}

func (in Input) objectMeta(name, component string) metav1.ObjectMeta {
	q := in.Queue
	return metav1.ObjectMeta{
		Name:      name,
		Namespace: q.Namespace,
		Labels:    Labels(q.Name, component),
		OwnerReferences: []metav1.OwnerReference{
			*metav1.NewControllerRef(q, queuev1alpha1.GroupVersion.WithKind(queuev1alpha1.Kind)),
		},
	}
}
