//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"runtime"
	"syscall"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
)

const (
	leaseNamespace = "kube-node-lease"
	leaseSeconds   = 40
	renewEvery     = 10 * time.Second
	statusEvery    = time.Minute
	maxPods        = 110
	registerPause  = 300 * time.Millisecond
	registerLimit  = time.Minute
	readyReason    = "HostNodeReady"
	readyMessage   = "pods run as host processes, without containers"
)

// node keeps the Node object and its lease.
type node struct {
	client   kubernetes.Interface
	log      *slog.Logger
	name     string
	capacity corev1.ResourceList
	port     int32 // of the log server
	version  string
}

func newNode(client kubernetes.Interface, log *slog.Logger, name string, capacity corev1.ResourceList, port int32) *node {
	return &node{client: client, log: log, name: name, capacity: capacity, port: port}
}

// register makes the Node exist, ready and leased. A control plane that has
// just come up gets a minute to answer.
func (n *node) register(ctx context.Context) error {
	var last error
	err := wait.PollUntilContextTimeout(ctx, registerPause, registerLimit, true, func(ctx context.Context) (bool, error) {
		last = n.tryRegister(ctx)
		return last == nil, nil
	})
	if err != nil {
		return errors.Join(err, last)
	}
	return nil
}

func (n *node) tryRegister(ctx context.Context) error {
	version, err := n.client.Discovery().ServerVersion()
	if err != nil {
		return fmt.Errorf("asking the API server for its version: %w", err)
	}
	n.version = version.GitVersion
	if err := n.report(ctx, true, readyReason, readyMessage); err != nil {
		return err
	}
	return n.renew(ctx)
}

// keepAlive renews lease and status until ctx ends. Errors are logged: the
// next round tries again.
func (n *node) keepAlive(ctx context.Context) {
	lease, status := time.NewTicker(renewEvery), time.NewTicker(statusEvery)
	defer lease.Stop()
	defer status.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case <-lease.C:
			err = n.renew(ctx)
		case <-status.C:
			err = n.report(ctx, true, readyReason, readyMessage)
		}
		if err != nil && ctx.Err() == nil {
			n.log.Warn("node could not be kept alive", "node", n.name, "error", err)
		}
	}
}

// leave says that the node is not ready any more, in a moment that the caller
// can spare: the API server may be on its way out too.
func (n *node) leave() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if err := n.report(ctx, false, "HostNodeStopped", "hostnode was stopped"); err != nil {
		n.log.Info("node could not be marked as not ready", "node", n.name, "error", err)
	}
}

// report creates the Node where it is absent and writes its status.
func (n *node) report(ctx context.Context, ready bool, reason, message string) error {
	ctx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	nodes := n.client.CoreV1().Nodes()
	current, err := nodes.Get(ctx, n.name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		current, err = nodes.Create(ctx, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: n.name, Labels: n.labels()}}, metav1.CreateOptions{})
	}
	if err != nil {
		return fmt.Errorf("registering Node %q: %w", n.name, err)
	}
	n.fill(&current.Status, ready, reason, message)
	if _, err := nodes.UpdateStatus(ctx, current, metav1.UpdateOptions{}); err != nil {
		return fmt.Errorf("writing the status of Node %q: %w", n.name, err)
	}
	return nil
}

func (n *node) labels() map[string]string {
	return map[string]string{
		corev1.LabelHostname:   n.name,
		corev1.LabelOSStable:   runtime.GOOS,
		corev1.LabelArchStable: runtime.GOARCH,
	}
}

func (n *node) fill(st *corev1.NodeStatus, ready bool, reason, message string) {
	st.Capacity, st.Allocatable = maps.Clone(n.capacity), maps.Clone(n.capacity)
	// No host name: API servers try it first, and nobody can resolve it.
	st.Addresses = []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: hostIP}}
	st.DaemonEndpoints.KubeletEndpoint.Port = n.port
	st.NodeInfo = corev1.NodeSystemInfo{
		OperatingSystem: runtime.GOOS, Architecture: runtime.GOARCH, OSImage: "host processes, no containers",
		KubeletVersion: n.version + "-hostnode", ContainerRuntimeVersion: "hostprocess://1.0.0",
	}
	now := metav1.Now()
	set := func(t corev1.NodeConditionType, status corev1.ConditionStatus, reason, message string) {
		c := corev1.NodeCondition{Type: t, Status: status, Reason: reason, Message: message, LastHeartbeatTime: now, LastTransitionTime: now}
		for i, old := range st.Conditions {
			if old.Type == t {
				if old.Status == status {
					c.LastTransitionTime = old.LastTransitionTime
				}
				st.Conditions[i] = c
				return
			}
		}
		st.Conditions = append(st.Conditions, c)
	}
	for _, pressure := range []corev1.NodeConditionType{corev1.NodeMemoryPressure, corev1.NodeDiskPressure, corev1.NodePIDPressure} {
		set(pressure, corev1.ConditionFalse, "HostNodeDoesNotMeasure", "hostnode does not measure pressure")
	}
	set(corev1.NodeReady, conditionStatus(ready), reason, message)
}

// renew writes the lease by which the control plane knows that the node lives.
func (n *node) renew(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	leases := n.client.CoordinationV1().Leases(leaseNamespace)
	now, seconds := metav1.NowMicro(), int32(leaseSeconds)
	lease, err := leases.Get(ctx, n.name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		_, err = leases.Create(ctx, &coordinationv1.Lease{
			ObjectMeta: metav1.ObjectMeta{Name: n.name, Namespace: leaseNamespace},
			Spec:       coordinationv1.LeaseSpec{HolderIdentity: &n.name, LeaseDurationSeconds: &seconds, RenewTime: &now},
		}, metav1.CreateOptions{})
	} else if err == nil {
		lease.Spec.HolderIdentity, lease.Spec.LeaseDurationSeconds, lease.Spec.RenewTime = &n.name, &seconds, &now
		_, err = leases.Update(ctx, lease, metav1.UpdateOptions{})
	}
	if err != nil {
		return fmt.Errorf("renewing the lease of Node %q: %w", n.name, err)
	}
	return nil
}

// machineCapacity is what this machine has.
func machineCapacity() (corev1.ResourceList, error) {
	var info syscall.Sysinfo_t
	if err := syscall.Sysinfo(&info); err != nil {
		return nil, fmt.Errorf("asking for the machine's memory: %w", err)
	}
	var disk syscall.Statfs_t
	if err := syscall.Statfs(os.TempDir(), &disk); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("asking for the machine's disk: %w", err)
	}
	memory := int64(info.Totalram) * int64(info.Unit)
	return corev1.ResourceList{
		corev1.ResourceCPU:              *resource.NewQuantity(int64(runtime.NumCPU()), resource.DecimalSI),
		corev1.ResourceMemory:           *resource.NewQuantity(memory, resource.BinarySI),
		corev1.ResourceEphemeralStorage: *resource.NewQuantity(int64(disk.Bavail)*disk.Bsize, resource.BinarySI),
		corev1.ResourcePods:             *resource.NewQuantity(maxPods, resource.DecimalSI),
	}, nil
}
