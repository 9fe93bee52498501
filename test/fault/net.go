package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/Shopify/toxiproxy/v2/toxics"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
)

// wire is a connection to Redis that can be made bad.
type wire struct {
	proxy *toxiproxy.Proxy
	addr  string
}

// wiresTo lays so many wires to an address.
func (s *scene) wiresTo(addr string, count int) ([]*wire, error) {
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(prometheus.NewRegistry()), zerolog.Nop())
	all := make([]*wire, count)
	for i := range all {
		proxy := toxiproxy.NewProxy(server, fmt.Sprintf("wire-%d", i), "127.0.0.1:0", addr)
		if err := proxy.Start(); err != nil {
			return nil, fmt.Errorf("laying a wire: %w", err)
		}
		s.cleanup(proxy.Stop)
		_, port, err := net.SplitHostPort(proxy.Listen)
		if err != nil {
			return nil, fmt.Errorf("laying a wire: %w", err)
		}
		all[i] = &wire{proxy: proxy, addr: net.JoinHostPort("127.0.0.1", port)}
	}
	return all, nil
}

// openWires starts one Redis which workers reach over so many wires; producers stay direct.
func openWires(count int) func(*scene) error {
	return func(s *scene) error {
		if err := s.launch(); err != nil {
			return err
		}
		var err error
		if s.lines, err = s.wiresTo(s.server.Addr, count); err != nil {
			return err
		}
		s.workerURL = func(place int) string { return "redis://" + s.lines[place%count].addr }
		return nil
	}
}

// cut closes all connections and refuses new ones.
func (w *wire) cut() { w.proxy.Stop() }

// join lets connections through again.
func (w *wire) join() error {
	if err := w.proxy.Start(); err != nil {
		return fmt.Errorf("joining a wire: %w", err)
	}
	return nil
}

// poison makes a wire bad in one direction: "upstream" to Redis, "downstream" from it.
func (w *wire) poison(kind, direction string, attributes toxics.Toxic) error {
	text, err := json.Marshal(map[string]any{
		"name": kind + "-" + direction, "type": kind, "stream": direction, "toxicity": 1, "attributes": attributes,
	})
	if err == nil {
		_, err = w.proxy.Toxics.AddToxicJson(bytes.NewReader(text))
	}
	if err != nil {
		return fmt.Errorf("making a wire bad: %w", err)
	}
	return nil
}

// cure makes a wire good again. What stuck in it is gone, as are its connections.
func (w *wire) cure(ctx context.Context) { w.proxy.Toxics.ResetToxics(ctx) }

// behind returns the members whose wire is one of these.
func (s *scene) behind(lines ...int) []*member {
	return s.fleet.pick(func(m *member) bool {
		for _, line := range lines {
			if m.place%len(s.lines) == line {
				return true
			}
		}
		return false
	})
}
