module github.com/dorsetcarerecord/dcr/identity-svc

go 1.26.0
