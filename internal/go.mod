module github.com/dorsetcarerecord/dcr/internal

go 1.26.0
