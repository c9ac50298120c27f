// Package register takes the opt-outs of an older system's register, a CSV file, to the gateway, and writes those in
// force into a file of the same shape.
//
// An older scheme's opt-outs do not carry over (leaflet L10): what is sent becomes candidates, which change nothing
// until a privacy officer confirms them. A row is sent whole or not at all, and the gateway knows rows that it has
// had, so that an import may be cut off and started again.
package register

import (
	"context"

	"google.golang.org/protobuf/proto"
)

// Caller calls the gateway; api.Client does.
type Caller interface {
	Call(ctx context.Context, method, path string, in, out proto.Message) error
}
