//go:build linux

// Hostnode is a Kubernetes node without containers: it registers itself as a
// Node and runs the program of each container of the pods bound to it as an
// ordinary process of this machine. The demo uses it where containers cannot
// run (no root, no cgroups); the control plane beside it is the real one.
//
// A process is not a container. What a pod gets here, and how:
//
//   - Images are a table of the command line: --image ref=PROGRAM runs one
//     program; --image ref=DIRECTORY looks the command up below it
//     (ref=/ means this machine's own programs). A pod with any other image
//     waits with the reason ErrImageNeverPull.
//   - Each pod has a loopback address of its own (--pod-cidr), so that pods
//     with the same ports do not meet. For the ports that the pod declares or
//     probes, ":PORT" at the end of an argument or environment value becomes
//     "ADDRESS:PORT", and so does "localhost:PORT".
//   - Volumes are directories under --state-dir. There is no mount namespace:
//     mount paths inside command, arguments, environment values and workingDir
//     are replaced by the real directory. A path that is compiled into the
//     program does not exist; TMPDIR is set where /tmp is a volume.
//   - A container that mounts the service account token gets KUBECONFIG,
//     because the path that in-cluster configuration reads cannot be provided.
//   - Everything runs as the user that runs hostnode, without limits.
//   - There is no service network and no cluster DNS, only the API server's
//     real address in KUBERNETES_SERVICE_HOST and _PORT; and no exec, attach
//     or port-forward. kubectl logs works.
//
// What cannot be run at all is refused with a waiting reason and an event.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// options is the command line.
type options struct {
	kubeconfig    string        // file; must be allowed to do what a kubelet does
	nodeName      string        // also the name of the lease
	stateDir      string        // volumes and logs; locked while the node runs
	podCIDR       string        // loopback range for the pods' addresses
	images        images        // what the pods' images stand for
	shutdownGrace time.Duration // longest wait for the processes when the node stops
}

// errUsage marks a mistake on the command line.
var errUsage = errors.New("usage")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	err := run(ctx, os.Args[1:], os.Stderr)
	stop()
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "hostnode: %v\n", err)
		if errors.Is(err, errUsage) {
			os.Exit(2)
		}
		os.Exit(1)
	}
}

// run is main without the process: it returns when ctx ends and every process
// that it started is gone.
func run(ctx context.Context, args []string, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	config, err := clientcmd.BuildConfigFromFlags("", o.kubeconfig)
	if err != nil {
		return fmt.Errorf("reading kubeconfig %q: %w", o.kubeconfig, err)
	}
	config.QPS, config.Burst = 100, 200
	config.UserAgent = "hostnode"
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("making the API client: %w", err)
	}
	release, err := claimDir(o.stateDir)
	if err != nil {
		return err
	}
	defer release()
	log := slog.New(slog.NewTextHandler(stderr, nil))
	h, err := newHost(o, config, client, log)
	if err != nil {
		return err
	}
	return h.run(ctx)
}

// parse reads the command line; each mistake is one line that wraps errUsage.
func parse(args []string, stderr io.Writer) (options, error) {
	o := options{images: images{}}
	f := flag.NewFlagSet("hostnode", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.StringVar(&o.kubeconfig, "kubeconfig", os.Getenv("KUBECONFIG"), "kubeconfig `file` of the control plane")
	f.StringVar(&o.nodeName, "node-name", "node1", "`name` of the Node")
	f.StringVar(&o.stateDir, "state-dir", "", "`directory` for volumes and logs")
	f.StringVar(&o.podCIDR, "pod-cidr", "127.77.0.0/16", "loopback `range` that pods get their addresses from")
	f.Var(o.images, "image", "`ref=PROGRAM`, or ref=DIRECTORY for the programs in it; repeatable")
	f.DurationVar(&o.shutdownGrace, "shutdown-grace", 10*time.Second, "longest wait for the pods' processes when the node stops")
	err := f.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		f.SetOutput(stderr)
		f.Usage()
		return o, flag.ErrHelp
	}
	if err == nil && f.NArg() > 0 {
		err = fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	if err == nil {
		err = o.validate()
	}
	if err != nil {
		return o, fmt.Errorf("%w: %w", errUsage, err)
	}
	o.stateDir, err = filepath.Abs(o.stateDir)
	return o, err
}

func (o options) validate() error {
	switch {
	case o.kubeconfig == "":
		return errors.New("--kubeconfig is missing")
	case o.nodeName == "":
		return errors.New("--node-name is empty")
	case o.stateDir == "":
		return errors.New("--state-dir is missing")
	case o.shutdownGrace < 0:
		return errors.New("--shutdown-grace is negative")
	}
	prefix, err := netip.ParsePrefix(o.podCIDR)
	if err != nil {
		return fmt.Errorf("--pod-cidr: %w", err)
	}
	if !prefix.Addr().Is4() || !prefix.Addr().IsLoopback() || prefix.Bits() < 8 || prefix.Bits() > 30 {
		return fmt.Errorf("--pod-cidr %s is not a range inside 127.0.0.0/8 of at least four addresses", o.podCIDR)
	}
	return nil
}
