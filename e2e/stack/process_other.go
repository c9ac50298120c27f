//go:build !linux

package stack

import "syscall"

// lockThread is needed on Linux only, where a child can be tied to its parent's thread.
func lockThread() {}

// processAttributes keep the terminal's Ctrl-C from a child, so that the parent decides in which order
// the suite stops.
func processAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
