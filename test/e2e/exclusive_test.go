package e2e_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// run is one request of a worker: from its arrival to its answer, or to the end of its connection.
type run struct {
	message      string
	fence        uint64
	began, ended time.Time // ended is zero while it goes on
	answered     bool
}

// jobServer is the web service that a queue's workers call. It answers at once, but for the time in which it holds.
type jobServer struct {
	url string

	mu   sync.Mutex
	runs []*run
	open chan struct{} // closed while it does not hold
}

// serveJobs starts a web service that pods reach, until the spec ends.
func serveJobs() *jobServer {
	GinkgoHelper()
	s := &jobServer{open: make(chan struct{})}
	close(s.open)
	listener, err := net.Listen("tcp", net.JoinHostPort(hostIP, "0"))
	Expect(err).NotTo(HaveOccurred())
	server := httptest.NewUnstartedServer(s)
	Expect(server.Listener.Close()).To(Succeed())
	server.Listener = listener
	server.Start()
	DeferCleanup(server.Close)
	DeferCleanup(server.CloseClientConnections) // before it, else Close waits for the runs that go on
	s.url = server.URL
	return s
}

// ServeHTTP reads the body to its end, for only then is it told when the connection ends.
func (s *jobServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	fence, err := strconv.ParseUint(r.Header.Get("Ce-Fence"), 10, 64)
	if err != nil {
		http.Error(w, "no fence: "+err.Error(), http.StatusBadRequest)
		return
	}
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return // the worker went
	}
	this, open := s.begin(r.Header.Get("Ce-Id"), fence)
	select {
	case <-open:
		s.end(this, true)
		w.WriteHeader(http.StatusNoContent)
	case <-r.Context().Done():
		s.end(this, false)
	}
}

func (s *jobServer) begin(message string, fence uint64) (*run, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	this := &run{message: message, fence: fence, began: time.Now()}
	s.runs = append(s.runs, this)
	return this, s.open
}

func (s *jobServer) end(this *run, answered bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	this.ended, this.answered = time.Now(), answered
}

// hold keeps the runs that begin from now on going.
func (s *jobServer) hold() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open = make(chan struct{})
}

// release answers all runs.
func (s *jobServer) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.open)
}

// seen copies the runs in the order of their beginning.
func (s *jobServer) seen() []run {
	s.mu.Lock()
	defer s.mu.Unlock()
	var runs []run
	for _, r := range s.runs {
		runs = append(runs, *r)
	}
	return runs
}

func (s *jobServer) begun() int { return len(s.seen()) }

func (s *jobServer) answered() int {
	return len(slices.DeleteFunc(s.seen(), func(r run) bool { return !r.answered }))
}

func (s *jobServer) broken() int {
	return len(slices.DeleteFunc(s.seen(), func(r run) bool { return r.answered || r.ended.IsZero() }))
}

var _ = Describe("An exclusive queue", func() {
	It("runs one message at a time while its pod is replaced and while its worker is killed", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		const channel = "{alone}"
		forget(ctx, shared, channel)
		DeferCleanup(forget, shared, channel)
		jobs := serveJobs()
		apply(ctx, namespace, jobQueueWith("alone", channel, "  exclusive: true\n  concurrency: 1\n"+
			"  timeouts: {handleSeconds: 60}\n"+`  timeoutReload: {schedule: "@hourly"}`+"\n"+
			"  handler: {http: {url: \""+jobs.url+"/jobs\"}}"))
		readyPods(ctx, namespace, "alone", 1)
		first := podNames(ctx, namespace, "alone")[0]

		By("replacing the pod while a message runs: the new one is ready beside the old one, and waits")
		jobs.hold()
		push(ctx, channel, 5, "--type", "demo.job")
		Eventually(jobs.begun).WithContext(ctx).Should(Equal(1))
		out, err := kubectl(ctx, "", "patch", "-n", namespace, "aq/alone", "--type=merge",
			"-p", `{"spec":{"template":{"metadata":{"annotations":{"example.com/build":"2"}}}}}`)
		Expect(err).NotTo(HaveOccurred(), out)
		Eventually(func() []string { return podNames(ctx, namespace, "alone") }).WithContext(ctx).
			Should(And(HaveLen(1), Not(ContainElement(first))), "the old pod is told to go once the new one is ready")
		Consistently(jobs.begun).WithContext(ctx).WithTimeout(3 * time.Second).Should(Equal(1))
		Expect(busyPods(ctx, channel)).To(Equal([]string{first}), "the old pod must still run its message, or the spec shows nothing")

		By("letting it end: the new pod does the others, one by one")
		jobs.release()
		Eventually(jobs.answered).WithContext(ctx).Should(Equal(5))

		By("killing the worker while a message runs: the next process waits until the turn of the dead one is over")
		jobs.hold()
		push(ctx, channel, 3, "--type", "demo.job")
		Eventually(jobs.begun).WithContext(ctx).Should(Equal(6))
		victim := pods(ctx, namespace, "alone")[0]
		killContainer(&victim)
		Eventually(jobs.broken).WithContext(ctx).Should(Equal(1))
		jobs.release()
		Eventually(jobs.answered).WithContext(ctx).Should(Equal(8))
		Eventually(func() string { return states(counts(ctx, shared, channel)) }).WithContext(ctx).
			Should(Equal("waiting 0, delayed 0, reserved 0, timeout 0, failed 0"))

		By("looking back: no two runs at once, growing fence numbers, and only the killed run was repeated")
		runs := jobs.seen()
		Expect(runs).To(HaveLen(9))
		times := map[string]int{}
		for i, r := range runs {
			times[r.message]++
			if i == 0 {
				continue
			}
			Expect(r.began).To(BeTemporally(">=", runs[i-1].ended), "run %d began before run %d had ended", i, i-1)
			Expect(r.fence).To(BeNumerically(">", runs[i-1].fence), "run %d", i)
		}
		Expect(times).To(HaveLen(8))
		Expect(times[runs[5].message]).To(Equal(2))
		AddReportEntry("from the death of an exclusive worker to the next run", runs[6].began.Sub(runs[5].ended).Round(10*time.Millisecond))
	})
})
