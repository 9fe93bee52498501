package apiserver_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// restartPause is how long an ended program waits for its restart. The kubelet is
// slower, from the second time on.
const restartPause = time.Second

// program is the manager program, which is started again whenever it ends.
type program struct {
	path string
	args []string
	env  []string
	// leaseNamespace is where its lease is.
	leaseNamespace string
	// log is a file with what all of its processes wrote.
	log string
	// ends is how often the program ended.
	ends atomic.Int64

	mu      sync.Mutex
	process *os.Process
	isOver  bool
}

// startProgram builds the manager and runs it for the namespace and the Redis of
// o, with a lease and with the rights of the real one, until the spec ends.
func startProgram(ctx SpecContext, o *operator) *program {
	GinkgoHelper()
	dir := GinkgoT().TempDir()
	p := &program{path: filepath.Join(dir, "manager"), log: filepath.Join(dir, "log"), leaseNamespace: allowElection(ctx)}
	build := exec.CommandContext(ctx, "go", "build", "-o", p.path, "./cmd/manager") //nolint:gosec // our own program
	build.Dir = projectRoot
	text, err := build.CombinedOutput()
	Expect(err).NotTo(HaveOccurred(), string(text))

	operatorConfig(ctx, &requestLog{}, operatorUser) // grants the rights
	user, err := testEnv.AddUser(envtest.User{Name: operatorUser}, &rest.Config{})
	Expect(err).NotTo(HaveOccurred())
	kubeconfig, err := user.KubeConfig()
	Expect(err).NotTo(HaveOccurred())
	file := filepath.Join(dir, "kubeconfig")
	Expect(os.WriteFile(file, kubeconfig, 0o600)).To(Succeed())

	p.env = append(os.Environ(), "KUBECONFIG="+file)
	p.args = []string{
		"--leader-elect", "--leader-election-namespace=" + p.leaseNamespace, "--watch-namespaces=" + o.namespace,
		"--default-redis=redis://" + o.redis.Addr, "--poll-interval=" + testPoll.String(), "--scale-in-window=" + testWindow.String(),
		"--metrics-bind-address=0", "--health-probe-bind-address=0",
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		p.run()
	}()
	DeferCleanup(func() {
		p.end()
		<-ended
	})
	return p
}

// run starts the program over and over until end is called.
func (p *program) run() {
	defer GinkgoRecover()
	file, err := os.Create(p.log)
	Expect(err).NotTo(HaveOccurred())
	defer func() { _ = file.Close() }()
	for {
		cmd := exec.Command(p.path, p.args...) //nolint:gosec // end stops it
		cmd.Env, cmd.Stdout, cmd.Stderr = p.env, file, file
		if !p.start(cmd) {
			return
		}
		_ = cmd.Wait()
		p.ends.Add(1)
		time.Sleep(restartPause) // as a kubelet does before it starts a container again
	}
}

// start starts a process unless the program is to end.
func (p *program) start(cmd *exec.Cmd) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.isOver {
		return false
	}
	Expect(cmd.Start()).To(Succeed())
	p.process = cmd.Process
	return true
}

// end stops the program for good.
func (p *program) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.isOver = true
	if p.process != nil {
		_ = p.process.Signal(syscall.SIGTERM)
	}
}
