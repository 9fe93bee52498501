package command

import "runtime/debug"

// heapGrowth is by how many percent the heap may grow between two collections. A worker has a small heap and
// makes much garbage: with Go's default of 100 a busy one spends a seventh of its time on collections. This
// costs it about 4 MiB.
const heapGrowth = 200

// collectLess makes the garbage collector run less often, unless the environment says how often.
func (c *cli) collectLess() {
	if _, chosen := c.streams.LookupEnv("GOGC"); !chosen {
		debug.SetGCPercent(heapGrowth)
	}
}
