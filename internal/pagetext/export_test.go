package pagetext

// Limits, for the tests that stand outside: a province has this room in it.
const (
	MaxDocument = maxDocument
	MaxSearched = maxSearched
	MaxPageText = maxPageText
	MaxWord     = maxWord
)
