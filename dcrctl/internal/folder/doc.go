// Package folder finds the bundles of a folder and who sends each, by their paths alone:
//
//	<NHS number>/<ODS code>.json   a folder for each person, a file for each sender
//	<ODS code>.json                one person's folder
//	<anything>.<ODS code>.json     a flat folder
//
// Paths name people. What this package calls Shown leaves them out, and is what may be printed.
package folder
