package command_test

import (
	"io"
	"net"
	"sync"
	"testing"
)

// gate is an address that leads to another one, which may change, and whose
// connections can be cut.
type gate struct {
	listener net.Listener

	mu          sync.Mutex
	target      string
	connections map[net.Conn]struct{}
}

func newGate(t *testing.T, target string) *gate {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{listener: listener, target: target, connections: make(map[net.Conn]struct{})}
	go g.serve()
	t.Cleanup(func() { _ = listener.Close(); g.cut() })
	return g
}

func (g *gate) addr() string { return g.listener.Addr().String() }

// lead makes new connections go to another address.
func (g *gate) lead(target string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.target = target
}

// cut closes all connections.
func (g *gate) cut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for c := range g.connections {
		_ = c.Close()
	}
}

func (g *gate) serve() {
	for {
		in, err := g.listener.Accept()
		if err != nil {
			return
		}
		go g.join(in)
	}
}

func (g *gate) join(in net.Conn) {
	defer func() { _ = in.Close() }()
	g.mu.Lock()
	target := g.target
	g.mu.Unlock()
	out, err := (&net.Dialer{}).Dial("tcp", target)
	if err != nil {
		return
	}
	defer func() { _ = out.Close() }()
	g.keep(in, true)
	defer g.keep(in, false)
	go func() {
		_, _ = io.Copy(out, in)
		_ = out.Close()
	}()
	_, _ = io.Copy(in, out)
}

func (g *gate) keep(c net.Conn, yes bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if yes {
		g.connections[c] = struct{}{}
		return
	}
	delete(g.connections, c)
}
