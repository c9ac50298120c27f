module github.com/dorsetcarerecord/dcr/gateway

go 1.26.0

require (
	github.com/coreos/go-oidc/v3 v3.21.0
	github.com/dorsetcarerecord/dcr/internal v0.0.0
	github.com/dorsetcarerecord/dcr/proto v0.0.0
	github.com/go-jose/go-jose/v4 v4.1.8
	github.com/google/go-cmp v0.7.0
	github.com/google/uuid v1.6.0
	go.yaml.in/yaml/v3 v3.0.5
	golang.org/x/sync v0.24.0
	google.golang.org/grpc v1.84.0
	google.golang.org/protobuf v1.36.12
)

replace (
	github.com/dorsetcarerecord/dcr/internal => ../internal
	github.com/dorsetcarerecord/dcr/proto => ../proto
)
