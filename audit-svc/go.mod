module github.com/dorsetcarerecord/dcr/audit-svc

go 1.26.0
