module github.com/dorsetcarerecord/dcr/proto

go 1.26.0
