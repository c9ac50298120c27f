module github.com/dorsetcarerecord/dcr/tools/house

go 1.26.0
