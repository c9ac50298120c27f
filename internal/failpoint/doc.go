// Package failpoint names the steps at which a crash must do no harm, so that a test can kill a process just
// there. It is the one thing in the suite that hides behind a build tag: without `-tags failpoints` Hit is
// empty and the compiler removes it; a test proves that no release binary holds a failpoint
// (e2e/manifests/failpoint_test.go).
//
// A process built with the tag reads DCR_FAILPOINTS once, when the first point is hit:
//
//	DCR_FAILPOINTS="optout.effect.before_commit=kill@3;audit.sign.before=pause"
//
// kill ends the process as SIGKILL does, with nothing flushed; pause stops it as SIGSTOP does, until the test
// sends SIGCONT. @n does so at the nth hit; the first one when it is left out. A name or an action that is not
// understood ends the process at once: a test that names a point wrongly must not pass.
package failpoint
