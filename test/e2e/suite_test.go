// Package e2e_test runs the system as its users do: the operator as a pod, workers as pods that a real kubelet
// runs, a real Redis, manifests applied with kubectl. `make e2e` brings all of it.
package e2e_test

import (
	"cmp"
	"os"
	"path/filepath"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/redis/go-redis/v9"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/config"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	queuev1alpha1 "github.com/asyncqueue/operator/api/v1alpha1"
)

var (
	// kube talks to the cluster that KUBECONFIG names.
	kube client.Client
	// hostIP is the address under which pods reach this machine.
	hostIP string
	// shared is the Redis that the operator was installed with (--default-redis).
	shared *redis.Client
	// root is the checkout.
	root string
)

func TestEndToEnd(t *testing.T) {
	RegisterFailHandler(Fail)
	SetDefaultEventuallyTimeout(60 * time.Second)
	EnforceDefaultTimeoutsWhenUsingContexts()
	SetDefaultEventuallyPollingInterval(100 * time.Millisecond)
	RunSpecs(t, "End to end, on a real cluster")
}

var _ = BeforeSuite(func(ctx SpecContext) {
	Expect(os.Getenv("KUBECONFIG")).NotTo(BeEmpty(), "no cluster: run `make e2e`, which brings one")
	hostIP = cmp.Or(os.Getenv("AQ_CLUSTER_HOST_IP"), "127.0.0.1")
	root = cmp.Or(os.Getenv("AQ_ROOT"), filepath.Join("..", ".."))

	logf.SetLogger(GinkgoLogr)
	Expect(queuev1alpha1.AddToScheme(clientgoscheme.Scheme)).To(Succeed())
	rest, err := config.GetConfig()
	Expect(err).NotTo(HaveOccurred())
	kube, err = client.New(rest, client.Options{Scheme: clientgoscheme.Scheme})
	Expect(err).NotTo(HaveOccurred())

	shared = redis.NewClient(&redis.Options{Addr: hostIP + ":6390"})
	Expect(shared.Ping(ctx).Err()).To(Succeed(), "the Redis of the demo does not answer: run `make e2e`")
})

var _ = AfterSuite(func() {
	if shared != nil {
		Expect(shared.Close()).To(Succeed())
	}
})
