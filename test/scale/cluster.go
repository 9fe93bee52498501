package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/yaml"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	queuev1alpha1 "github.com/asyncqueue/operator/api/v1alpha1"
)

const (
	systemNamespace = "asyncqueue-system"
	managerUser     = "system:serviceaccount:" + systemNamespace + ":asyncqueue-manager"
)

// cluster is an etcd and a kube-apiserver with the operator's CRD and roles.
type cluster struct {
	env    *envtest.Environment
	scheme *runtime.Scheme
	// admin may do everything, as fast as the API server can.
	admin  *rest.Config
	client client.Client
	// kubeconfig is a file for the manager, with its own rights only.
	kubeconfig string
}

// startCluster keeps its files in dir. The caller has to stop it.
func startCluster(ctx context.Context, c config, dir string) (*cluster, error) {
	if c.assets == "" {
		return nil, errors.New("KUBEBUILDER_ASSETS does not say where etcd and kube-apiserver are: run `make scale`, which builds them and sets it")
	}
	k := &cluster{scheme: runtime.NewScheme(), env: &envtest.Environment{
		BinaryAssetsDirectory: c.assets,
		CRDInstallOptions:     envtest.CRDInstallOptions{Paths: []string{filepath.Join(c.root, "config", "crd")}, ErrorIfPathMissing: true},
		// A loaded machine needs longer than the default of 20 s.
		ControlPlaneStartTimeout: 2 * time.Minute,
		ControlPlaneStopTimeout:  time.Minute,
	}}
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, queuev1alpha1.AddToScheme} {
		if err := add(k.scheme); err != nil {
			return nil, err
		}
	}
	var err error
	if k.admin, err = k.env.Start(); err != nil {
		return nil, fmt.Errorf("starting the API server: %w", err)
	}
	if err := k.prepare(ctx, c.root, dir); err != nil {
		return nil, errors.Join(err, k.env.Stop())
	}
	return k, nil
}

// prepare installs what the manager needs.
func (k *cluster) prepare(ctx context.Context, root, dir string) error {
	k.admin.QPS = -1
	var err error
	if k.client, err = client.New(k.admin, client.Options{Scheme: k.scheme}); err != nil {
		return err
	}
	for _, file := range []string{"default/namespace.yaml", "rbac/service_account.yaml", "rbac/role.yaml", "rbac/role_binding.yaml", "rbac/leader_election.yaml"} {
		if err := k.install(ctx, filepath.Join(root, "config", filepath.FromSlash(file))); err != nil {
			return fmt.Errorf("installing %s: %w", file, err)
		}
	}
	user, err := k.env.AddUser(envtest.User{
		Name: managerUser, Groups: []string{"system:serviceaccounts", "system:serviceaccounts:" + systemNamespace},
	}, nil)
	if err != nil {
		return fmt.Errorf("adding the manager's user: %w", err)
	}
	raw, err := user.KubeConfig()
	if err != nil {
		return fmt.Errorf("writing the manager's kubeconfig: %w", err)
	}
	k.kubeconfig = filepath.Join(dir, "kubeconfig")
	return os.WriteFile(k.kubeconfig, raw, 0o600)
}

// install creates each object of a file.
func (k *cluster) install(ctx context.Context, file string) error {
	f, err := os.Open(file) //nolint:gosec // a file of the project
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	for decoder := yaml.NewYAMLOrJSONDecoder(f, 4096); ; {
		var u unstructured.Unstructured
		if err := decoder.Decode(&u.Object); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := k.client.Create(ctx, &u); err != nil {
			return err
		}
	}
}

// requests is what the API server has been asked since it began.
func (k *cluster) requests(ctx context.Context) (samples, error) {
	transport, err := rest.HTTPClientFor(k.admin)
	if err != nil {
		return nil, err
	}
	return scrape(ctx, transport, strings.TrimSuffix(k.admin.Host, "/")+"/metrics")
}

// profile saves a profile of the API server in a file.
func (k *cluster) profile(ctx context.Context, kind, file string) error {
	transport, err := rest.HTTPClientFor(k.admin)
	if err != nil {
		return err
	}
	return download(ctx, transport, strings.TrimSuffix(k.admin.Host, "/")+"/debug/pprof/"+kind, file)
}
