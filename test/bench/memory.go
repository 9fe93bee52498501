package main

import (
	"errors"
	"os"
	"strconv"
	"strings"
)

// mostMemory returns the most that this process had resident so far, in MiB.
func mostMemory() float64 {
	most, _ := statusMiB(os.Getpid(), "VmHWM:") // 0 is seen in the table
	return most
}

// statusMiB reads one line of a process's status.
func statusMiB(pid int, field string) (float64, error) {
	status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if value, found := strings.CutPrefix(line, field); found {
			return number(strings.Fields(value)[0]) / 1024, nil
		}
	}
	return 0, errors.New("reading /proc: no " + field)
}
