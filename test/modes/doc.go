// Package modes holds the suite that runs what the operator makes of a queue against
// each kind of Redis.
package modes
