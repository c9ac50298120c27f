// Package testkit gives tests real surroundings: a database of their own on a real PostgreSQL,
// certificates, and servers with the whole chain in front. Nothing but tests imports it.
//
// A package that uses Database hands its TestMain to Main:
//
//	func TestMain(m *testing.M) { testkit.Main(m) }
package testkit
