module github.com/dorsetcarerecord/dcr/dcrctl

go 1.26.0
