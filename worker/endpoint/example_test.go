package endpoint_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/asyncqueue/operator/worker/endpoint"
)

// healthy stands for a *worker.Worker.
type healthy struct{}

func (healthy) Live() error  { return nil }
func (healthy) Ready() error { return nil }

// A program of one's own serves the same probes as the image.
func Example() {
	server := httptest.NewServer(endpoint.Handler(healthy{}, prometheus.NewRegistry()))
	defer server.Close()
	answer, err := http.Get(server.URL + "/readyz")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = answer.Body.Close() }()
	text, _ := io.ReadAll(answer.Body)
	fmt.Printf("%d %s", answer.StatusCode, text)
	// Output: 200 ok
}
