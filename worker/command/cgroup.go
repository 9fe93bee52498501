package command

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// errNoLimit says that the container may use all memory there is.
var errNoLimit = errors.New("the container has no memory limit")

// memoryWatch looks at the memory of the container.
type memoryWatch struct {
	// root is where the container sees its own control group.
	root string
	// interval is the time between two looks.
	interval time.Duration
}

// ownMemory watches the container that this process runs in.
func ownMemory() memoryWatch {
	return memoryWatch{root: "/sys/fs/cgroup", interval: 5 * time.Second}
}

// run calls recycle, once, when the container uses more than percent of its memory
// limit, page cache that can be dropped not counted. It looks until ctx is done, or
// until it cannot tell, which it says. The first look comes after an interval: a
// share that a fresh process exceeds must not recycle it without a pause.
func (m memoryWatch) run(ctx context.Context, percent int, recycle func(), log *slog.Logger) {
	tick := time.NewTicker(m.interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		used, limit, err := memory(m.root)
		if err != nil {
			log.Warn("The worker cannot be recycled by its memory.", "error", err)
			return
		}
		if used*100 > limit*int64(percent) {
			log.Info("Recycling: the container's memory is nearly full.", "bytes", used, "limitBytes", limit)
			recycle()
			return
		}
	}
}

// memory reads what the container uses and its limit, in bytes: by cgroup v2, else v1.
func memory(root string) (used, limit int64, err error) {
	if limit, err = number(root, "memory.max"); !errors.Is(err, os.ErrNotExist) {
		return usage(root, limit, err, "memory.current", "inactive_file")
	}
	root = filepath.Join(root, "memory")
	limit, err = number(root, "memory.limit_in_bytes")
	return usage(root, limit, err, "memory.usage_in_bytes", "total_inactive_file")
}

func usage(root string, limit int64, err error, file, cache string) (int64, int64, error) {
	if err != nil {
		return 0, 0, err
	}
	used, err := number(root, file)
	if err != nil {
		return 0, 0, err
	}
	droppable, err := statistic(filepath.Join(root, "memory.stat"), cache)
	if err != nil {
		return 0, 0, err
	}
	return max(used-droppable, 0), limit, nil
}

// number reads one number of bytes. What v1 writes for no limit is beyond all memory.
func number(root, file string) (int64, error) {
	text, err := os.ReadFile(filepath.Clean(filepath.Join(root, file)))
	if err != nil {
		return 0, fmt.Errorf("reading the container's memory: %w", err)
	}
	word := strings.TrimSpace(string(text))
	if word == "max" {
		return 0, errNoLimit
	}
	n, err := strconv.ParseInt(word, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("reading the container's memory from %s: %w", file, err)
	}
	if n >= 1<<60 {
		return 0, errNoLimit
	}
	return n, nil
}

// statistic reads one line of memory.stat; 0 where it is not there.
func statistic(file, name string) (int64, error) {
	text, err := os.ReadFile(filepath.Clean(file))
	if err != nil {
		return 0, fmt.Errorf("reading the container's memory: %w", err)
	}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		if rest, found := strings.CutPrefix(lines.Text(), name+" "); found {
			n, err := strconv.ParseInt(rest, 10, 64)
			if err != nil {
				return 0, fmt.Errorf("reading %s of the container's memory: %w", name, err)
			}
			return n, nil
		}
	}
	return 0, nil
}
