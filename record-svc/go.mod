module github.com/dorsetcarerecord/dcr/record-svc

go 1.26.0

require (
	github.com/dorsetcarerecord/dcr/internal v0.0.0
	github.com/google/go-cmp v0.7.0
	golang.org/x/text v0.43.0
)

replace (
	github.com/dorsetcarerecord/dcr/internal => ../internal
	github.com/dorsetcarerecord/dcr/proto => ../proto
)
