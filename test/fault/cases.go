package main

// cases returns all cases, in the order of the table. Each has a file of its own.
func cases() []faultCase {
	return []faultCase{
		killedWorkers(), killedWorkersParked(), killedRedis(), frozenRedis(), frozenWorkers(), frozenWorkersParked(),
		cutConnections(), slowConnections(), halfOpen(), partialAnswers(),
		failedOver(), resharded(), lostNode(),
		fullRedis(), missingPermission(), wrongType(), flushedScripts(), steppedClock(),
		naiveConsumers(),
	}
}
