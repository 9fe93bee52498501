package connect

import (
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/asyncqueue/operator/internal/redisconn"
)

// Place tells Redis servers and databases apart, as well as their addresses can.
// Nil: nobody knows.
type Place []string

// placeOf is where a queue of that namespace finds the Redis.
func placeOf(p redisconn.Place, namespace string) Place {
	var place Place
	for _, address := range p.Addresses {
		host, port, err := net.SplitHostPort(redisconn.InNamespace(address, namespace))
		if err != nil {
			continue
		}
		parts := []string{strings.ToLower(strings.TrimSuffix(host, ".")), strings.TrimLeft(port, "0"), strconv.Itoa(p.Database)}
		if p.Master != "" {
			parts = append(parts, p.Master)
		}
		place = append(place, strings.Join(parts, "|"))
	}
	return place
}

// Meets reports that two places have an address in common, and so are one. Who
// names one sentinel or node of several need not name them all.
func (p Place) Meets(o Place) bool {
	return slices.ContainsFunc(p, func(address string) bool { return slices.Contains(o, address) })
}

// bareNamespace is the namespace in which the place's addresses are to be looked
// up from elsewhere; empty where that makes no difference.
func bareNamespace(p redisconn.Place, namespace string) string {
	if slices.ContainsFunc(p.Addresses, func(a string) bool { return redisconn.InNamespace(a, namespace) != a }) {
		return namespace
	}
	return ""
}
