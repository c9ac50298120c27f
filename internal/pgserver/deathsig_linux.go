package pgserver

import "syscall"

// dieWithParent makes the kernel send the server SIGQUIT (immediate shutdown: its children end too,
// which SIGKILL would leave behind) when the thread that started it ends.
func dieWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGQUIT }
