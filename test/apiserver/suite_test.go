// Package apiserver_test runs against a real etcd and kube-apiserver, without
// nodes: what the API server accepts, refuses and stores, and what the
// operator makes of it.
package apiserver_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	queuev1alpha1 "github.com/asyncqueue/operator/api/v1alpha1"
)

// What BeforeSuite sets up for every spec.
var (
	// testEnv is the etcd and the API server.
	testEnv *envtest.Environment
	// restConfig reaches the API server as a cluster admin.
	restConfig *rest.Config
	// k8sClient reads and writes without a cache.
	k8sClient client.Client
	// afterSuite stops what specs started for the specs after them.
	afterSuite []func()
)

// projectRoot is the root of the repository, as seen from this package.
const projectRoot = "../.."

// testPatience is how long a spec waits for what should be.
const testPatience = 20 * time.Second

func TestAPIServer(t *testing.T) {
	RegisterFailHandler(Fail)
	SetDefaultEventuallyTimeout(testPatience)
	SetDefaultEventuallyPollingInterval(50 * time.Millisecond)
	SetDefaultConsistentlyDuration(2 * time.Second)
	RunSpecs(t, "API server")
}

var _ = BeforeSuite(func() {
	assets := os.Getenv("KUBEBUILDER_ASSETS")
	if assets == "" {
		Fail("KUBEBUILDER_ASSETS does not say where etcd, kube-apiserver and kubectl are: run `make test`, which builds them and sets it")
	}
	Expect(queuev1alpha1.AddToScheme(scheme.Scheme)).To(Succeed())
	ctrl.SetLogger(GinkgoLogr)

	testEnv = &envtest.Environment{
		BinaryAssetsDirectory: assets,
		CRDInstallOptions: envtest.CRDInstallOptions{
			Paths:              []string{filepath.Join(projectRoot, "config", "crd")},
			ErrorIfPathMissing: true,
		},
		// A loaded machine needs longer than the default of 20 s.
		ControlPlaneStartTimeout: 2 * time.Minute,
		ControlPlaneStopTimeout:  time.Minute,
	}
	// OpenShift has this plugin on: owner references that block deletion need
	// the right to update the owner's finalizers.
	testEnv.ControlPlane.GetAPIServer().Configure().
		Append("enable-admission-plugins", "OwnerReferencesPermissionEnforcement").
		// Asked to stop, it ends the watches rather than wait a minute for them.
		Append("shutdown-watch-termination-grace-period", "1s")

	var err error
	restConfig, err = testEnv.Start()
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(testEnv.Stop)
	DeferCleanup(func() {
		for _, stop := range afterSuite {
			stop()
		}
	})
	k8sClient, err = client.New(restConfig, client.Options{Scheme: scheme.Scheme})
	Expect(err).NotTo(HaveOccurred())
})

// newNamespace makes a namespace for one spec. It stays: no controller that
// could empty it runs here.
func newNamespace(ctx SpecContext) string {
	GinkgoHelper()
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "spec-"}}
	Expect(k8sClient.Create(ctx, ns)).To(Succeed())
	return ns.Name
}
