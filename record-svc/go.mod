module github.com/dorsetcarerecord/dcr/record-svc

go 1.26.0
