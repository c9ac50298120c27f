// Package contract holds the parts of the contract that are served as they are.
package contract

import _ "embed"

// OpenAPI is the OpenAPI 2.0 document of the gateway's REST calls, generated from the protos.
//
//go:embed gen/openapi/dorset-care-record.swagger.json
var OpenAPI []byte
