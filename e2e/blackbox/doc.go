// Package blackbox tests the suite from outside: real processes, two of each, on real PostgreSQL, with
// clients that know nothing but the contract. It has no code besides its tests.
//
// There is one test, TestBlackBox, since all of it shares one running suite and the last part, the search
// for leaks, is about everything that the parts before it did. A part runs alone by its name:
//
//	go test ./e2e/blackbox -run 'TestBlackBox/the_main_job'
//
// Set DCR_E2E_BIN to a folder of programs to test those instead of building them; guards are seen to
// fail that way, with programs that lack them.
package blackbox
