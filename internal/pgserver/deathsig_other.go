//go:build !linux

package pgserver

import "syscall"

// dieWithParent has no counterpart outside Linux: there, Stop alone ends the server.
func dieWithParent(*syscall.SysProcAttr) {}
