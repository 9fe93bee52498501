// Command story tells the demo's story on a cluster that hack/demo/setup brought up: it applies the sample queues,
// pushes messages, and shows live what Redis and Kubernetes make of them. Every command that it shows is one that
// a user can type.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/config"

	queuev1alpha1 "github.com/asyncqueue/operator/api/v1alpha1"
	"github.com/asyncqueue/operator/queue"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if errors.Is(err, context.Canceled) {
		fmt.Println("\nInterrupted. The cluster is still up: `make demo` goes on, `make demo-down` removes it.")
		os.Exit(130)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	address := flag.String("redis", "", "address (host:port) of the Redis that pods and this machine reach")
	messages := flag.Int("messages", 500, "how many messages to push; half of them as Hyperf writes them")
	flag.Parse()

	s := &story{address: *address, messages: *messages, begin: time.Now()}
	if err := s.connect(); err != nil {
		return err
	}
	defer func() { _ = s.redis.Close() }() // nothing is left to be written
	for _, chapter := range []func(context.Context) error{
		s.applySamples, s.watchBurst, s.watchLateMessage, s.whatNext,
	} {
		if err := chapter(ctx); err != nil {
			return err
		}
	}
	return nil
}

// connect finds the cluster through KUBECONFIG and makes the clients.
func (s *story) connect() error {
	scheme := clientgoscheme.Scheme
	if err := queuev1alpha1.AddToScheme(scheme); err != nil {
		return err
	}
	rest, err := config.GetConfig()
	if err != nil {
		return fmt.Errorf("finding the cluster (KUBECONFIG): %w", err)
	}
	if s.kube, err = client.New(rest, client.Options{Scheme: scheme}); err != nil {
		return fmt.Errorf("connecting to the cluster: %w", err)
	}
	s.redis = redis.NewClient(&redis.Options{Addr: s.address})
	s.queue, err = queue.New(s.redis, channel)
	return err
}
