module github.com/dorsetcarerecord/dcr/e2e

go 1.26.0
