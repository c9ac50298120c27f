package register

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"
)

// Export writes everybody who is opted out now, in the shape of a register, and tells how many they are. A person who
// chooses while it runs is in it or is not; nobody is in it twice.
func Export(ctx context.Context, caller Caller, to io.Writer, meter *Meter) (int, error) {
	out, err := NewWriter(to)
	if err != nil {
		return 0, err
	}
	rows := 0
	in := &gatewayv1.ExportOptOutsRequest{PageSize: MaxBatch}
	for {
		page := &gatewayv1.ExportOptOutsResponse{}
		if err := caller.Call(ctx, http.MethodPost, "/v1/opt-outs:export", in, page); err != nil {
			return rows, fmt.Errorf("read who is opted out: %w", err)
		}
		for _, r := range page.GetRows() {
			if err := out.Write(r); err != nil {
				return rows, err
			}
		}
		rows += len(page.GetRows())
		meter.done(len(page.GetRows()), 0)
		switch next := page.GetNextPageToken(); {
		case next == "":
			return rows, out.Flush()
		case next == in.GetPageToken():
			return rows, errors.New("the gateway gives the same page again")
		default:
			in.PageToken = next
		}
	}
}
