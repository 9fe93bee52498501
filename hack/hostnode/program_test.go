//go:build linux

package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// programVariable makes this test binary act as the program of a container.
const programVariable = "HOSTNODE_TEST_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(programVariable) == "" {
		os.Exit(m.Run())
	}
	code, err := actAs(os.Args[1], os.Args[2:])
	if err != nil {
		fmt.Println("error:", err)
		code = 1
	}
	os.Exit(code)
}

// actAs is what the pods of the suite run.
func actAs(part string, args []string) (code int, err error) {
	switch part {
	case "exit":
		fmt.Println("exiting with", args[0])
		return strconv.Atoi(args[0])
	case "serve":
		return 0, serve()
	case "write":
		return 0, os.WriteFile(args[0], []byte(args[1]), 0o600)
	case "whoami":
		return 0, whoami()
	}
	return 2, fmt.Errorf("no part %q", part)
}

// serve listens at LISTEN until SIGTERM, with a child that ran away, and is
// sick while the file SICK exists.
func serve() error {
	child := exec.Command("sleep", "600")
	child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := child.Start(); err != nil {
		return err
	}
	note, err := os.ReadFile(os.Getenv("NOTE"))
	if err != nil {
		return err
	}
	fmt.Printf("pod %s at %s, note %q, password %q\n", os.Getenv("POD"), os.Getenv("LISTEN"), note, os.Getenv("PASSWORD"))
	handler := func(w http.ResponseWriter, _ *http.Request) {
		if _, err := os.Stat(os.Getenv("SICK")); err == nil {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}
	server := &http.Server{Addr: os.Getenv("LISTEN"), Handler: http.HandlerFunc(handler)}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	go func() {
		<-ctx.Done()
		fmt.Println("drained")
		_ = server.Close()
	}()
	if err := server.ListenAndServe(); ctx.Err() == nil {
		return err
	}
	return nil
}

// whoami asks the API server, as its pod's service account, for its own pod.
func whoami() error {
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	pod, err := client.CoreV1().Pods(os.Getenv("NAMESPACE")).Get(context.Background(), os.Getenv("POD"), metav1.GetOptions{})
	if err != nil {
		return err
	}
	fmt.Println("I am", pod.Name)
	return nil
}
