// Package connect finds out where a queue's Redis is and how to get in: from the
// spec, the Secrets that it names, and the operator's default Redis.
//
// Secrets are read by name and remembered for a minute, so that the operator
// needs no right to list or watch them.
package connect
