// Command scale measures the operator with thousands of AsyncQueues: a real etcd
// and kube-apiserver (envtest), a real Redis, and the real manager program with
// the rights of config/rbac and no others.
//
// There is no kubelet and no Deployment controller: this program plays them, by
// writing into the status of each Deployment that all its pods are ready.
// Converged means that each queue has its Deployment and is Ready=True at its
// current generation.
//
// It prints one table, writes it as JSON, and ends with 1 where a promise is
// broken. A promise about real time counts as broken only beyond four times its
// value, since the machine may be busy with other things.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"
)

// config is how much is measured. All fields are required.
type config struct {
	// root is the folder of the project.
	root string
	// assets is where etcd and kube-apiserver are.
	assets string
	// sizes are the numbers of queues, each with a cluster of its own.
	sizes []int
	// rest is how long nothing may be written, busy how long every queue changes.
	rest, busy time.Duration
	// bursts is how many queues get a burst where one is measured.
	bursts int
	// places is how many Redis there are where one goes silent, and hole for how
	// long it does.
	places int
	hole   time.Duration
	// profiles is a folder for profiles of the manager and of the API server; empty: none are made.
	profiles string
	// only matches the phases to measure after converging; empty: all.
	only string
}

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctrl.SetLogger(logr.Discard())
	c := config{bursts: 5, places: 100, assets: os.Getenv("KUBEBUILDER_ASSETS")}
	var sizes, file string
	flag.StringVar(&c.root, "root", ".", "`folder` of the project")
	flag.StringVar(&sizes, "queues", "1000,5000", "`numbers` of AsyncQueues")
	flag.StringVar(&file, "report", "bin/reports/scale.json", "`file` for the report as JSON")
	flag.DurationVar(&c.rest, "rest", time.Minute, "how long to look at queues at rest")
	flag.DurationVar(&c.busy, "busy", time.Minute, "how long every queue changes every second")
	flag.DurationVar(&c.hole, "hole", 20*time.Second, "how long one Redis is silent")
	flag.StringVar(&c.profiles, "profiles", "", "`folder` for profiles of the manager and of the API server, while the queues converge and at rest (default none)")
	flag.StringVar(&c.only, "only", "", "regular `expression` for the phases to measure after converging (default all)")
	flag.Parse()
	var err error
	if c.sizes, err = numbers(sizes); err == nil {
		err = measureAll(ctx, c, file)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "scale: %v\n", err)
		return 1
	}
	return 0
}

func numbers(text string) ([]int, error) {
	var list []int
	for word := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(word))
		if err != nil || n < 1 {
			return nil, fmt.Errorf("flag -queues: want numbers such as 1000,5000, not %q", text)
		}
		list = append(list, n)
	}
	return list, nil
}

// measureAll measures each size, prints the table and writes the report. The
// error names the promises that are broken.
func measureAll(ctx context.Context, c config, file string) error {
	all := newReport(time.Now())
	for _, size := range c.sizes {
		results, err := measureSize(ctx, c, size, os.Stderr)
		all.add(size, results)
		if err != nil {
			fmt.Print(all.table())
			return fmt.Errorf("measuring %d queues: %w", size, err)
		}
	}
	fmt.Print(all.table())
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil { //nolint:gosec // a report is for everybody
		return err
	}
	if err := all.write(file); err != nil {
		return err
	}
	return all.verdict()
}
