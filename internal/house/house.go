// Package house holds the tests of the project's own rules: which room may
// import which, and that the engine builds for the browser.
package house
