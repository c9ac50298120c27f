module github.com/dorsetcarerecord/dcr/gateway

go 1.26.0
