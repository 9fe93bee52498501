package redistest

import (
	"cmp"
	"crypto/tls"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// GroupConfig says how the servers of a group are protected. The zero value: not at all.
type GroupConfig struct {
	// Password is that of Redis's default user.
	Password string
	// SentinelPassword is that of the sentinels' default user.
	SentinelPassword string
	// Certificate lets the servers talk TLS to clients and to each other.
	Certificate *Certificate
	// DownAfter is how long a master may be silent before sentinels promote its replica. Default 1 s: a
	// busy machine can be taken for a dead master, so that who wants no fail-over asks for more.
	DownAfter time.Duration
}

// Member is one server of a group.
type Member struct {
	*Server
	// Address is where clients find it: with TLS not Server.Addr, which stays open for tests.
	Address string
}

// start starts one server. With TLS it gets a port for that beside the plain one.
func (c GroupConfig) start(t testing.TB, args ...string) Member {
	t.Helper()
	var address string
	if files := c.Certificate; files != nil {
		port, err := freePort()
		if err != nil {
			t.Fatal(err)
		}
		address = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		args = append(args, "--tls-port", strconv.Itoa(port), "--tls-auth-clients", "no", "--tls-replication", "yes",
			"--tls-ca-cert-file", files.CA, "--tls-cert-file", files.Cert, "--tls-key-file", files.Key)
	}
	server, err := Launch(t.TempDir(), args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	if address == "" {
		address = server.Addr
	}
	return Member{Server: server, Address: address}
}

// Client returns a client of one server of the group, until the test ends.
func (c GroupConfig) Client(t testing.TB, m Member) *redis.Client {
	t.Helper()
	return c.client(t, m, c.Password)
}

func (c GroupConfig) client(t testing.TB, m Member, password string) *redis.Client {
	t.Helper()
	options := &redis.Options{Addr: m.Address, Password: password, Protocol: 2, DisableIdentity: true, MaxRetries: -1}
	if c.Certificate != nil {
		options.TLSConfig = &tls.Config{InsecureSkipVerify: true} //nolint:gosec // the test's own server
	}
	rdb := redis.NewClient(options)
	t.Cleanup(func() { _ = rdb.Close() })
	return rdb
}

// MasterName is the name under which the sentinels of a SentinelGroup know the master.
const MasterName = "mymaster"

// SentinelGroup is a master, a replica, and sentinels that promote it within a second or two.
type SentinelGroup struct {
	GroupConfig
	Master, Replica Member // as they were at the start
	Sentinels       []Member
}

// StartSentinelGroup starts a group with n sentinels that have found each other and the replica.
func StartSentinelGroup(t testing.TB, n int, c GroupConfig) SentinelGroup {
	t.Helper()
	var guarded []string
	if c.Password != "" {
		guarded = []string{"--requirepass", c.Password, "--masterauth", c.Password}
	}
	g := SentinelGroup{GroupConfig: c, Master: c.start(t, guarded...)}
	host, port := split(t, g.Master.Address)
	g.Replica = c.start(t, append(guarded, "--replicaof", host+" "+port, "--repl-diskless-sync-delay", "0")...)
	master := c.Client(t, g.Master)
	await(t, "the replica to follow", func() bool {
		info, err := master.Info(t.Context(), "replication").Result()
		return err == nil && strings.Contains(info, "state=online")
	})
	var clients []*redis.Client
	for range n {
		args := []string{"--sentinel"}
		if c.SentinelPassword != "" {
			args = append(args, "--requirepass", c.SentinelPassword)
		}
		m := c.start(t, args...)
		g.Sentinels = append(g.Sentinels, m)
		clients = append(clients, c.client(t, m, c.SentinelPassword))
	}
	for _, sentinel := range clients {
		g.watch(t, sentinel, n/2+1)
	}
	for _, sentinel := range clients {
		await(t, "the sentinels to find each other", func() bool {
			known, err := sentinel.Do(t.Context(), "sentinel", "master", MasterName).Slice()
			return err == nil && field(known, "num-slaves") == "1" && field(known, "num-other-sentinels") == strconv.Itoa(n-1)
		})
	}
	return g
}

func (g SentinelGroup) watch(t testing.TB, sentinel *redis.Client, quorum int) {
	t.Helper()
	host, port := split(t, g.Master.Address)
	downAfter := cmp.Or(g.DownAfter, time.Second)
	commands := [][]any{
		{"sentinel", "monitor", MasterName, host, port, quorum},
		{"sentinel", "set", MasterName, "down-after-milliseconds", downAfter.Milliseconds(), "failover-timeout", 3000},
	}
	if g.SentinelPassword != "" {
		commands = append([][]any{{"sentinel", "config", "set", "sentinel-pass", g.SentinelPassword}}, commands...)
	}
	if g.Password != "" {
		commands = append(commands, []any{"sentinel", "set", MasterName, "auth-pass", g.Password})
	}
	for _, command := range commands {
		if err := sentinel.Do(t.Context(), command...).Err(); err != nil {
			t.Fatalf("%v: %v", command[:3], err)
		}
	}
}

// Addresses are those of the sentinels.
func (g SentinelGroup) Addresses() []string { return addresses(g.Sentinels) }

// AwaitPromotion waits until the sentinels name the replica as the master.
func (g SentinelGroup) AwaitPromotion(t testing.TB) {
	t.Helper()
	_, port := split(t, g.Replica.Address)
	for _, m := range g.Sentinels {
		sentinel := g.client(t, m, g.SentinelPassword)
		await(t, "the replica's promotion", func() bool {
			known, err := sentinel.Do(t.Context(), "sentinel", "master", MasterName).Slice()
			return err == nil && field(known, "port") == port
		})
	}
}

// field finds a name in a list of names and values.
func field(list []any, name string) string {
	for i := 0; i+1 < len(list); i += 2 {
		if list[i] == name {
			text, _ := list[i+1].(string)
			return text
		}
	}
	return ""
}

// ClusterGroup is a Redis Cluster of three masters without replicas.
type ClusterGroup struct {
	GroupConfig
	Nodes []Member
}

// slots is how many slots a Redis Cluster has.
const slots = 16384

// StartClusterGroup starts a cluster whose nodes share the slots evenly.
func StartClusterGroup(t testing.TB, c GroupConfig) ClusterGroup {
	t.Helper()
	const nodes = 3
	g := ClusterGroup{GroupConfig: c}
	buses := make([]string, nodes)
	for i := range nodes {
		bus, err := freePort()
		if err != nil {
			t.Fatal(err)
		}
		buses[i] = strconv.Itoa(bus)
		args := []string{"--cluster-enabled", "yes", "--cluster-port", buses[i]}
		if c.Password != "" {
			args = append(args, "--requirepass", c.Password)
		}
		if c.Certificate != nil {
			args = append(args, "--tls-cluster", "yes")
		}
		g.Nodes = append(g.Nodes, c.start(t, args...))
	}
	for i, m := range g.Nodes {
		rdb := c.Client(t, m)
		if err := rdb.ClusterAddSlotsRange(t.Context(), i*slots/nodes, (i+1)*slots/nodes-1).Err(); err != nil {
			t.Fatalf("taking slots: %v", err)
		}
		host, port := split(t, g.Nodes[0].Address)
		if i > 0 {
			if err := rdb.Do(t.Context(), "cluster", "meet", host, port, buses[0]).Err(); err != nil {
				t.Fatalf("meeting: %v", err)
			}
		}
	}
	for _, m := range g.Nodes {
		rdb := c.Client(t, m)
		await(t, "the cluster to be up", func() bool {
			info, err := rdb.ClusterInfo(t.Context()).Result()
			return err == nil && strings.Contains(info, "cluster_state:ok") && strings.Contains(info, "cluster_known_nodes:3")
		})
	}
	return g
}

// Addresses are those of the nodes.
func (g ClusterGroup) Addresses() []string { return addresses(g.Nodes) }

// SetUser makes an ACL user on all nodes. Rules are as for ACL SETUSER.
func (g ClusterGroup) SetUser(t testing.TB, name string, rules ...string) {
	t.Helper()
	for _, m := range g.Nodes {
		g.setUser(t, m, name, rules...)
	}
}

func (c GroupConfig) setUser(t testing.TB, m Member, name string, rules ...string) {
	t.Helper()
	command := []any{"acl", "setuser", name}
	for _, rule := range rules {
		command = append(command, rule)
	}
	if err := c.Client(t, m).Do(t.Context(), command...).Err(); err != nil {
		t.Fatalf("making a user: %v", err)
	}
}

func addresses(members []Member) []string {
	var list []string
	for _, m := range members {
		list = append(list, m.Address)
	}
	return list
}

func split(t testing.TB, address string) (host, port string) {
	t.Helper()
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	return host, port
}

// await polls a condition that other processes bring about.
func await(t testing.TB, what string, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(startTimeout)
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for !condition() {
		if time.Now().After(deadline) {
			t.Fatalf("awaiting %s: not within %v", what, startTimeout)
		}
		<-ticker.C
	}
}
