package modes_test

import (
	"strings"
	"testing"
	"time"

	queuev1alpha1 "github.com/asyncqueue/operator/api/v1alpha1"
	"github.com/asyncqueue/operator/controllers/poll"
	"github.com/asyncqueue/operator/internal/redistest"
)

func ref(name string) *queuev1alpha1.SecretRef { return &queuev1alpha1.SecretRef{Name: name} }

// A worker and the operator's poller live through a fail-over: while it lasts the
// poller says why it sees nothing, then its counts come back.
func TestSentinelsWithPasswordsThroughAFailOver(t *testing.T) {
	files := redistest.NewCertificate(t)
	g := redistest.StartSentinelGroup(t, 3, redistest.GroupConfig{Password: "data", SentinelPassword: "watch", Certificate: &files})
	st := newStage(t, &queuev1alpha1.Redis{
		Mode: queuev1alpha1.RedisModeSentinel, Addresses: g.Addresses(), MasterName: redistest.MasterName,
		CredentialsSecretRef: ref("redis"), SentinelCredentialsSecretRef: ref("sentinels"),
		TLS: &queuev1alpha1.RedisTLS{Enabled: true, CASecretRef: ref("ca")},
	}, secrets{
		"redis": {"password": "data"}, "sentinels": {"username": "default", "password": "watch"}, "ca": {"ca.crt": text(t, files.CA)},
	})
	st.push(t, "early")
	st.awaitSeen(t, "the count of one message", func(o poll.Observation) bool { return o.Known() && o.Backlog.Waiting == 1 })
	st.startWorker(t, buildWorker(t))
	st.awaitHandled(t, 1)

	g.Master.Stop()
	fault := st.awaitSeen(t, "a fault", func(o poll.Observation) bool { return o.Fault != nil }).Fault
	if fault.Reason != queuev1alpha1.ReasonRedisUnreachable || !strings.Contains(fault.Message, "mymaster (sentinels ") {
		t.Errorf("meanwhile: %s %q", fault.Reason, fault.Message)
	}
	g.AwaitPromotion(t)
	back := time.Now()
	st.awaitSeen(t, "the counts of the new master", poll.Observation.Known)
	t.Logf("the poller sees the new master %v after its promotion", time.Since(back).Round(time.Millisecond))
	st.push(t, "late")
	st.awaitHandled(t, 2)
	st.awaitSeen(t, "an empty queue", func(o poll.Observation) bool {
		return o.Known() && o.Backlog.Waiting == 0 && o.Backlog.Reserved == 0 && len(o.Owners) == 1
	})
}

// One pipelined look of the poller goes to all nodes, as one user who may touch
// the queue's keys only.
func TestClusterWithTLSAndAnACLUser(t *testing.T) {
	files := redistest.NewCertificate(t)
	g := redistest.StartClusterGroup(t, redistest.GroupConfig{Password: "admin", Certificate: &files})
	g.SetUser(t, "orders", "on", ">pw", "~{orders}:*", "+@all", "-@admin")
	st := newStage(t, &queuev1alpha1.Redis{
		Mode: queuev1alpha1.RedisModeCluster, Addresses: g.Addresses()[:1], CredentialsSecretRef: ref("redis"),
		TLS: &queuev1alpha1.RedisTLS{Enabled: true, CASecretRef: ref("ca"), CertSecretRef: ref("client")},
	}, secrets{
		"redis": {"username": "orders", "password": "pw"}, "ca": {"ca.crt": text(t, files.CA)},
		"client": {"tls.crt": text(t, files.Cert), "tls.key": text(t, files.Key)},
	})
	st.push(t, "one")
	st.awaitSeen(t, "the count of one message", func(o poll.Observation) bool { return o.Known() && o.Backlog.Waiting == 1 })
	st.startWorker(t, buildWorker(t))
	st.awaitHandled(t, 1)
	st.awaitSeen(t, "an empty queue", func(o poll.Observation) bool { return o.Known() && o.Backlog == poll.Backlog{} })
}

// A uri in a Secret says all: mode, addresses, user.
func TestSentinelsByURI(t *testing.T) {
	g := redistest.StartSentinelGroup(t, 1, redistest.GroupConfig{Password: "data"})
	st := newStage(t, &queuev1alpha1.Redis{CredentialsSecretRef: ref("redis")}, secrets{
		"redis": {"uri": "redis-sentinel://default:data@" + g.Addresses()[0] + "/1?master=" + redistest.MasterName},
	})
	st.startWorker(t, buildWorker(t))
	st.push(t, "one")
	st.awaitHandled(t, 1)
}
