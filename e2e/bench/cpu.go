package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of CPU time in /proc on every Linux that Go runs on.
const tick = 10 * time.Millisecond

// cpuOf sums the CPU time of processes and their children, also of children that have ended: PostgreSQL
// makes a process per connection.
func cpuOf(pids []int) (time.Duration, error) {
	children, err := childrenByParent()
	if err != nil {
		return 0, err
	}
	var sum time.Duration
	for len(pids) > 0 {
		pid := pids[0]
		pids = append(pids[1:], children[pid]...)
		one, _, err := statOf(pid)
		if err != nil {
			continue // it ended between two looks; its parent has its time
		}
		sum += one
	}
	return sum, nil
}

func childrenByParent() (map[int][]int, error) {
	folders, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil, err
	}
	by := map[int][]int{}
	for _, folder := range folders {
		pid, err := strconv.Atoi(filepath.Base(folder))
		if err != nil {
			continue
		}
		if _, parent, err := statOf(pid); err == nil {
			by[parent] = append(by[parent], pid)
		}
	}
	return by, nil
}

// statOf reads a process's own CPU time with that of its children that ended, and its parent.
func statOf(pid int) (cpu time.Duration, parent int, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, 0, err
	}
	// The name, in brackets, may hold spaces: what follows the last bracket is regular, from field 3 on.
	_, rest, ok := strings.Cut(string(text[strings.LastIndexByte(string(text), ')'):]), " ")
	fields := strings.Fields(rest)
	if !ok || len(fields) < 15 {
		return 0, 0, fmt.Errorf("unexpected /proc/%d/stat", pid)
	}
	if parent, err = strconv.Atoi(fields[1]); err != nil {
		return 0, 0, err
	}
	for _, f := range fields[11:15] { // utime stime cutime cstime
		ticks, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, 0, err
		}
		cpu += time.Duration(ticks) * tick
	}
	return cpu, parent, nil
}
