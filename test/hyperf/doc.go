// Package hyperf holds the suite in which a Hyperf application and our worker share a
// channel: `make hyperf`.
package hyperf
