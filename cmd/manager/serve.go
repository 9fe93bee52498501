package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"
	"sigs.k8s.io/controller-runtime/pkg/metrics/filters"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	queuev1alpha1 "github.com/asyncqueue/operator/api/v1alpha1"
	"github.com/asyncqueue/operator/controllers"
	"github.com/asyncqueue/operator/controllers/connect"
	"github.com/asyncqueue/operator/controllers/poll"
)

const (
	// leaseName is the lease of the active manager.
	leaseName = "asyncqueue-operator.queue.asyncqueue.dev"
	// The API server's own fairness protects it, and no more requests are under way
	// than there are reconciles: a limit of the client's would only let a burst on
	// one queue wait behind thousands of new queues.
	unlimited = -1
	// A manager that stands by asks for the lease this often, give or take, so that
	// it acts within 2 s of a clean stop of the leader. A leader that was killed is
	// given up after the default 15 s.
	leaseRetry = 500 * time.Millisecond
	// syncPatience is how long a readiness probe waits for the cache.
	syncPatience = 500 * time.Millisecond
)

// serve runs the operator until ctx ends.
func serve(ctx context.Context, o options) error {
	mgr, err := newManager(o)
	if err != nil {
		return err
	}
	if err := addOperator(ctx, mgr, o); err != nil {
		return err
	}
	if err := mgr.AddHealthzCheck("ping", healthz.Ping); err != nil {
		return fmt.Errorf("adding the health check: %w", err)
	}
	if err := mgr.AddReadyzCheck("cache", cacheSynced(mgr.GetCache())); err != nil {
		return fmt.Errorf("adding the readiness check: %w", err)
	}
	if err := mgr.Start(ctx); err != nil {
		return fmt.Errorf("running: %w", err)
	}
	return nil
}

func newManager(o options) (manager.Manager, error) {
	config, err := ctrl.GetConfig()
	if err != nil {
		return nil, fmt.Errorf("finding the API server: %w", err)
	}
	config.QPS = unlimited
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, queuev1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			return nil, fmt.Errorf("building the scheme: %w", err)
		}
	}
	cached := controllers.CacheOptions(o.namespaces...)
	metrics := metricsserver.Options{BindAddress: o.metricsAddress, SecureServing: o.metricsSecure}
	if o.metricsSecure {
		metrics.FilterProvider = filters.WithAuthenticationAndAuthorization
	}
	mgr, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:                  scheme,
		Cache:                   cached,
		Metrics:                 metrics,
		HealthProbeBindAddress:  o.probeAddress,
		PprofBindAddress:        o.pprofAddress,
		LeaderElection:          o.leaderElect,
		LeaderElectionID:        leaseName,
		LeaderElectionNamespace: o.electionNamespace,
		// The next leader need not wait for the lease to run out: nothing is written
		// after the manager has stopped.
		LeaderElectionReleaseOnCancel: true,
		RetryPeriod:                   ptr.To(leaseRetry),
	})
	if err != nil {
		return nil, fmt.Errorf("creating the manager: %w", err)
	}
	return mgr, nil
}

// addOperator adds the poller and the controller to the manager.
func addOperator(ctx context.Context, mgr manager.Manager, o options) error {
	counted := poll.NewMetrics()
	poller := poll.New(poll.Config{Interval: o.pollInterval, Log: mgr.GetLogger().WithName("poll"), Metrics: counted})
	if err := mgr.Add(poller); err != nil {
		return fmt.Errorf("adding the poller: %w", err)
	}
	reconciler := controllers.New(controllers.Config{
		Client:        mgr.GetClient(),
		Reader:        mgr.GetAPIReader(),
		Events:        mgr.GetEventRecorder(controllers.FieldManager),
		Poller:        poller,
		Resolver:      connect.NewResolver(mgr.GetAPIReader(), o.fallback, time.Now),
		WorkerImage:   o.workerImage,
		ScaleInWindow: o.scaleInWindow,
	})
	if err := reconciler.SetupWithManager(ctx, mgr); err != nil {
		return err
	}
	ctrlmetrics.Registry.MustRegister(poller, counted, reconciler)
	return nil
}

// cacheSynced is ready once the manager knows what there is. That needs the API
// server, never a Redis.
func cacheSynced(c cache.Cache) healthz.Checker {
	return func(request *http.Request) error {
		ctx, cancel := context.WithTimeout(request.Context(), syncPatience)
		defer cancel()
		if !c.WaitForCacheSync(ctx) {
			return errors.New("the cache is not filled yet")
		}
		return nil
	}
}
