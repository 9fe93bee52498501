package httphandler_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/asyncqueue/operator/worker"
	"github.com/asyncqueue/operator/worker/httphandler"
	"github.com/asyncqueue/operator/worker/payload"
)

// A web service gets each message as a CloudEvent; its status is the outcome.
func Example() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Println("got", r.Header.Get("Ce-Type"))
		w.Header().Set("Retry-After", "30")
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer server.Close()
	h, err := httphandler.New(httphandler.Config{URL: server.URL})
	if err != nil {
		fmt.Println(err)
		return
	}
	message, err := payload.Decode([]byte(`{"specversion":"1.0","type":"mail.send","id":"1","source":"shop","data":{"to":"ada"}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	err = h.Handle(context.Background(), &worker.Job{ID: message.ID(), Type: message.Type(), Attempt: 1, Message: message})
	action, delay := worker.Verdict(err)
	fmt.Println(action, "after", delay)
	// Output:
	// got mail.send
	// retry after 30s
}
