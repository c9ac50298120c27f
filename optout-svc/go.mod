module github.com/dorsetcarerecord/dcr/optout-svc

go 1.26.0
