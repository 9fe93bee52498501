package command

import "runtime/debug"

// heapGrowth is by how many percent the heap may grow between two collections. A worker has a small heap and
// makes much garbage: with Go's default of 100 a busy one spends a seventh of its time on collections. More than
// 125 would take it beyond 30 MiB of resident memory, of which its program is two thirds.
const heapGrowth = 125

// collectLess makes the garbage collector run less often, unless the environment says how often.
func (c *cli) collectLess() {
	if _, chosen := c.streams.LookupEnv("GOGC"); !chosen {
		debug.SetGCPercent(heapGrowth)
	}
}
