package apiserver_test

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	authenticationv1 "k8s.io/api/authentication/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/metrics/filters"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/yaml"

	queuev1alpha1 "github.com/asyncqueue/operator/api/v1alpha1"
	"github.com/asyncqueue/operator/controllers/connect"
	"github.com/asyncqueue/operator/controllers/desired"
)

var _ = Describe("The rights of config", func() {
	It("in one namespace are those on the cluster, but for the questions about who reads metrics", func() {
		role := &rbacv1.Role{}
		readFirst("namespaced/role/role.yaml", role)
		want := slices.DeleteFunc(rights(managerRole().Rules), func(right string) bool {
			return strings.Contains(right, "authentication.k8s.io") || strings.Contains(right, "authorization.k8s.io")
		})
		Expect(rights(role.Rules)).To(Equal(want))
	})

	It("to finalizers is needed", func(ctx SpecContext) {
		o := startOperator(ctx)
		q := o.create(ctx, "orders", "")
		role := managerRole()
		role.Name = "without-finalizers"
		role.Rules = slices.DeleteFunc(role.Rules, func(r rbacv1.PolicyRule) bool { return slices.Contains(r.Resources, "asyncqueues/finalizers") })
		grant(ctx, role, "poor")
		d, err := desired.Deployment(desired.Input{Queue: q, WorkerImage: "worker"})
		Expect(err).NotTo(HaveOccurred())
		d.Name, d.Namespace = "other-worker", o.namespace
		Expect(as("poor").Create(ctx, d, client.DryRunAll)).To(MatchError(ContainSubstring("cannot set blockOwnerDeletion")))
	})

	It("let the operator work in the namespaces that it is told, and leave the others alone", func(ctx SpecContext) {
		redis := startRedis()
		o := &operator{namespace: newNamespace(ctx), requests: &requestLog{}, redis: redis, user: "namespaced"}
		also, foreign := newNamespace(ctx), newNamespace(ctx)
		for _, namespace := range []string{o.namespace, also} {
			role := &rbacv1.Role{}
			readFirst("namespaced/role/role.yaml", role)
			role.Namespace = namespace
			Expect(k8sClient.Create(ctx, role)).To(Succeed())
			Expect(k8sClient.Create(ctx, &rbacv1.RoleBinding{
				ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: role.Name},
				RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: role.Name},
				Subjects:   []rbacv1.Subject{{Kind: rbacv1.UserKind, Name: o.user}},
			})).To(Succeed())
		}
		o.also = []string{also}
		o.run(ctx, connect.Default{URL: "redis://" + redis.Addr})
		for _, namespace := range []string{o.namespace, also, foreign} {
			u := manifest(namespace, reloading)
			Expect(k8sClient.Create(ctx, u)).To(Succeed())
		}
		for _, namespace := range []string{o.namespace, also} {
			here := &operator{namespace: namespace}
			here.createdReady(ctx, "orders")
		}
		Expect((&operator{namespace: foreign}).queue(ctx, "orders").Status.Conditions).To(BeEmpty())
	})

	It("let those read the metrics who may, and nobody else", func(ctx SpecContext) {
		address := serveMetrics(ctx)
		namespace := newNamespace(ctx)
		account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "prometheus"}}
		Expect(k8sClient.Create(ctx, account)).To(Succeed())
		request := &authenticationv1.TokenRequest{}
		Expect(k8sClient.SubResource("token").Create(ctx, account, request)).To(Succeed())
		status := func(token string) func() int {
			return func() int { return metricsStatus(ctx, address, token) }
		}
		Eventually(status("")).Should(Equal(http.StatusUnauthorized))
		Eventually(status(request.Status.Token)).Should(Equal(http.StatusForbidden))

		role := &rbacv1.ClusterRole{}
		readFirst("rbac/metrics_reader.yaml", role)
		grant(ctx, role, "system:serviceaccount:"+namespace+":prometheus")
		Eventually(status(request.Status.Token)).WithTimeout(2 * testPatience).Should(Equal(http.StatusOK))
	})

	It("let people see, change and remove queues, each as far as their role goes", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		for _, raw := range documents("rbac/users.yaml") {
			role := &rbacv1.ClusterRole{}
			Expect(yaml.UnmarshalStrict(raw, role)).To(Succeed())
			Expect(role.Labels).To(HaveKeyWithValue("rbac.authorization.k8s.io/aggregate-to-admin", "true"))
			grant(ctx, role, role.Name)
		}
		Expect(k8sClient.Create(ctx, manifest(namespace, ""))).To(Succeed())
		list := &queuev1alpha1.AsyncQueueList{}
		Eventually(func() error { return as("asyncqueue-viewer").List(ctx, list, client.InNamespace(namespace)) }).Should(Succeed())
		Expect(list.Items).To(HaveLen(1))
		Expect(apierrors.IsForbidden(as("asyncqueue-viewer").Delete(ctx, &list.Items[0]))).To(BeTrue())
		Eventually(func() error { return as("asyncqueue-editor").Delete(ctx, &list.Items[0], client.DryRunAll) }).Should(Succeed())
		all := func(user string) error {
			return as(user).DeleteAllOf(ctx, &queuev1alpha1.AsyncQueue{}, client.InNamespace(namespace), client.DryRunAll)
		}
		Expect(apierrors.IsForbidden(all("asyncqueue-editor"))).To(BeTrue())
		Eventually(func() error { return all("asyncqueue-admin") }).Should(Succeed())
	})

	DescribeTable("is accepted", func(ctx SpecContext, file string, object client.Object) {
		readFirst(file, object)
		if object.GetNamespace() == "" || object.GetNamespace() == "asyncqueue-system" {
			object.SetNamespace("default")
		}
		Expect(k8sClient.Create(ctx, object, client.DryRunAll)).To(Succeed())
	},
		Entry(nil, "policy/manager_network_policy.yaml", &networkingv1.NetworkPolicy{}),
		Entry(nil, "policy/workers_network_policy.yaml", &networkingv1.NetworkPolicy{}),
		Entry(nil, "policy/disruption_budget.yaml", &policyv1.PodDisruptionBudget{}),
	)
})

// grant gives a user the rules of a role, which may exist already.
func grant(ctx context.Context, role *rbacv1.ClusterRole, user string) {
	GinkgoHelper()
	Expect(client.IgnoreAlreadyExists(k8sClient.Create(ctx, role))).To(Succeed())
	Expect(client.IgnoreAlreadyExists(k8sClient.Create(ctx, &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: role.Name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role.Name},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.UserKind, Name: user}},
	}))).To(Succeed())
}

// as is a client of a user.
func as(user string) client.Client {
	GinkgoHelper()
	c := rest.CopyConfig(restConfig)
	c.Impersonate.UserName = user
	made, err := client.New(c, client.Options{Scheme: scheme.Scheme})
	Expect(err).NotTo(HaveOccurred())
	return made
}

// serveMetrics runs a manager with the operator's rights for its metrics alone, as
// a candidate for the lease, and returns their address.
func serveMetrics(ctx SpecContext) string {
	GinkgoHelper()
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	Expect(err).NotTo(HaveOccurred())
	address := listener.Addr().String()
	Expect(listener.Close()).To(Succeed())
	election := allowElection(ctx)
	mgr, err := ctrl.NewManager(operatorConfig(ctx, &requestLog{}, operatorUser), ctrl.Options{
		Scheme:                        scheme.Scheme,
		Metrics:                       metricsserver.Options{BindAddress: address, SecureServing: true, FilterProvider: filters.WithAuthenticationAndAuthorization},
		Logger:                        GinkgoLogr,
		LeaderElection:                true,
		LeaderElectionID:              leaseID,
		LeaderElectionNamespace:       election,
		LeaderElectionReleaseOnCancel: true,
	})
	Expect(err).NotTo(HaveOccurred())
	running, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(running) }()
	DeferCleanup(func() {
		cancel()
		Expect(<-ended).To(Succeed())
	})
	Eventually(mgr.Elected()).Should(BeClosed())
	return address
}

// leaseID is the name of the lease.
const leaseID = "asyncqueue-operator.queue.asyncqueue.dev"

// allowElection lets operators stand for the lease, and returns its namespace. A lease
// that an earlier spec left is taken away: to make one is a right of the operator, which
// must not be found idle by the order of the specs.
func allowElection(ctx SpecContext) string {
	GinkgoHelper()
	election := electionRole()
	for _, object := range []client.Object{
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: election.Namespace}},
		election,
		&rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Namespace: election.Namespace, Name: election.Name},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: election.Name},
			Subjects:   []rbacv1.Subject{{Kind: rbacv1.UserKind, Name: operatorUser}},
		},
	} {
		Expect(client.IgnoreAlreadyExists(k8sClient.Create(ctx, object))).To(Succeed())
	}
	lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: election.Namespace, Name: leaseID}}
	Expect(client.IgnoreNotFound(k8sClient.Delete(ctx, lease))).To(Succeed())
	return election.Namespace
}

// metricsStatus is the answer to a request for the metrics; 0: there was none.
func metricsStatus(ctx context.Context, address, token string) int {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+address+"/metrics", nil)
	Expect(err).NotTo(HaveOccurred())
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	via := &http.Client{Transport: &http.Transport{
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // the manager makes its certificate itself
		DisableKeepAlives: true,
	}}
	response, err := via.Do(request)
	if err != nil {
		return 0
	}
	_ = response.Body.Close()
	return response.StatusCode
}
