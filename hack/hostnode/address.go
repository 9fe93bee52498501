//go:build linux

package main

import (
	"errors"
	"net/netip"
	"sync"
)

// addresses hands out one loopback address per pod. It moves on before it
// reuses, so that a late client of a dead pod does not meet a new one. Safe
// for concurrent use.
type addresses struct {
	prefix netip.Prefix

	mu   sync.Mutex
	last netip.Addr
	used map[netip.Addr]bool
}

func newAddresses(prefix netip.Prefix) *addresses {
	prefix = prefix.Masked()
	return &addresses{prefix: prefix, last: prefix.Addr(), used: map[netip.Addr]bool{}}
}

// take returns an address that no living pod has.
func (a *addresses) take() (netip.Addr, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	size := 1 << (32 - a.prefix.Bits())
	for range size {
		a.last = a.last.Next()
		if !a.prefix.Contains(a.last.Next()) { // the broadcast address ends the round
			a.last = a.prefix.Addr()
			continue
		}
		if !a.used[a.last] {
			a.used[a.last] = true
			return a.last, nil
		}
	}
	return netip.Addr{}, errors.New("no address is left in the pod range")
}

// release gives an address back.
func (a *addresses) release(ip netip.Addr) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.used, ip)
}
