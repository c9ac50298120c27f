package event

import "fmt"

const (
	// DropMonth is the action of the event that a month's events were deleted.
	DropMonth = "log.month.drop"
	// MonthResource is its change.resource; change.id is the month, such as 2026-01.
	MonthResource = "log_month"
)

// DropSummary is its change.summary: it binds the deletion to the archive, and fsck compares it.
func DropSummary(events int64, manifestSHA256 string) string {
	return fmt.Sprintf("dropped %d events; archive manifest sha256 %s", events, manifestSHA256)
}
