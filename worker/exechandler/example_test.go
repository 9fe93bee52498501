package exechandler_test

import (
	"context"
	"fmt"
	"io"

	"github.com/asyncqueue/operator/worker"
	"github.com/asyncqueue/operator/worker/exechandler"
	"github.com/asyncqueue/operator/worker/payload"
)

// A command gets each message on its standard input; its exit status is the outcome.
func Example() {
	h, err := exechandler.New(exechandler.Config{
		Command: []string{"sh", "-c", `grep -q '"to":"ada"' || exit 65; echo the server is busy; exit 75`},
		Output:  io.Discard,
	})
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
	action, _ := worker.Verdict(err)
	fmt.Println(action+":", err)
	// Output:
	// retry: command asked for a retry: exit status 75: the server is busy
}
