//go:build linux

package main

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// markName is the environment variable that every process of a container
// inherits; its value is the container's folder below the state directory.
const markName = "HOSTNODE_CONTAINER"

const (
	killLimit = 5 * time.Second
	killPause = 5 * time.Millisecond
)

// killFamily kills what a container's first process, leader, leaves behind:
// all of its session, and whoever left the session but still has the mark. It
// looks again until nobody is left, for they may fork meanwhile, and gives up
// after killLimit on what cannot be killed. A leader of 0 has no session.
func killFamily(leader int, mark string) {
	for end := time.Now().Add(killLimit); time.Now().Before(end); time.Sleep(killPause) {
		members := family(leader, mark)
		if len(members) == 0 {
			return
		}
		for _, pid := range members {
			_ = syscall.Kill(pid, syscall.SIGKILL) // an error means that it is gone, or not ours to kill
		}
	}
}

// family lists the living processes that killFamily is about, without leader.
func family(leader int, mark string) []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var members []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == leader || pid == os.Getpid() {
			continue
		}
		stat, err := os.ReadFile("/proc/" + e.Name() + "/stat")
		if err != nil {
			continue // it has just ended
		}
		session, state, ok := parseStat(stat)
		if !ok || state == 'Z' || state == 'X' {
			continue
		}
		if (leader > 0 && session == leader) || hasMark(e.Name(), mark) {
			members = append(members, pid)
		}
	}
	return members
}

func hasMark(pid, mark string) bool {
	environ, err := os.ReadFile("/proc/" + pid + "/environ")
	return err == nil && isMarked(environ, mark)
}

// isMarked tells whether a process with this environment belongs to the folder
// mark or to one below it.
func isMarked(environ []byte, mark string) bool {
	for entry := range bytes.SplitSeq(environ, []byte{0}) {
		rest, ok := strings.CutPrefix(string(entry), markName+"="+mark)
		if ok && (rest == "" || rest[0] == '/') {
			return true
		}
	}
	return false
}

// parseStat reads state and session id out of /proc/PID/stat, whose second
// field is the program's name in parentheses and may contain anything.
func parseStat(stat []byte) (session int, state byte, ok bool) {
	end := bytes.LastIndexByte(stat, ')')
	if end < 0 {
		return 0, 0, false
	}
	fields := bytes.Fields(stat[end+1:]) // state ppid pgrp session ...
	if len(fields) < 4 || len(fields[0]) != 1 {
		return 0, 0, false
	}
	session, err := strconv.Atoi(string(fields[3]))
	return session, fields[0][0], err == nil
}
