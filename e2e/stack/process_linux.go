package stack

import (
	"runtime"
	"syscall"
)

// lockThread keeps the calling goroutine on its thread until it ends.
func lockThread() { runtime.LockOSThread() }

// processAttributes make a child die with its parent, and keep the terminal's Ctrl-C from it, so that
// the parent decides in which order the suite stops.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
