package e2e_test

import (
	"net"
	"os/exec"
	"strings"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// freePort finds a TCP port that nothing listens on at the address which pods reach.
func freePort() string {
	GinkgoHelper()
	listener, err := net.Listen("tcp", net.JoinHostPort(hostIP, "0"))
	Expect(err).NotTo(HaveOccurred())
	defer func() { Expect(listener.Close()).To(Succeed()) }()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	Expect(err).NotTo(HaveOccurred())
	return port
}

// startRedis starts a redis-server of the spec's own, which ends with it.
func startRedis(port string, args ...string) {
	GinkgoHelper()
	dir := GinkgoT().TempDir()
	server := exec.Command("redis-server", append([]string{
		"--port", port, "--bind", hostIP, "--dir", dir, "--save", "", "--protected-mode", "no", "--daemonize", "no",
	}, args...)...)
	var log strings.Builder
	server.Stdout, server.Stderr = &log, &log
	Expect(server.Start()).To(Succeed())
	DeferCleanup(func() {
		Expect(server.Process.Signal(syscall.SIGTERM)).To(Succeed())
		_ = server.Wait() // its exit status says only that it was told to end
	})
	Eventually(func() error {
		connection, err := net.DialTimeout("tcp", net.JoinHostPort(hostIP, port), time.Second)
		if err != nil {
			return err
		}
		return connection.Close()
	}).WithTimeout(10*time.Second).Should(Succeed(), "redis-server did not come up")
}
