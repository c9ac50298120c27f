package service

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/tlog"
	"google.golang.org/genproto/googleapis/api/httpbody"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	gatewayv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/gateway/v1"

	"github.com/dorsetcarerecord/dcr/internal/fault"
)

const (
	typeText  = "text/plain; charset=utf-8"
	typeBytes = "application/octet-stream"

	// tileHeight is that of every tile of C2SP tlog-tiles, whose paths do not say it.
	tileHeight = 8
	tileLevels = 6
)

// logs serves the verifiable log. All but receipts is for anyone: hashes tell nothing.
type logs struct {
	gatewayv1.UnimplementedLogServiceServer
	*desk
	// readers of what is for anyone.
	readers *turns
}

// Readers of the public log, on each surface: a tile takes a millisecond, so that four at once read a log of ten million leaves
// within minutes.
const (
	readersAtOnce  = 4
	readersWaiting = 64
	readersWait    = 2 * time.Second
)

// GetLog says who signs the log, who watches it, and how large it is.
func (l *logs) GetLog(ctx context.Context, _ *gatewayv1.GetLogRequest) (*gatewayv1.GetLogResponse, error) {
	leave, err := l.readers.take(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	got, err := l.log.GetLog(ctx, &auditv1.GetLogRequest{})
	if err != nil {
		return nil, told(err)
	}
	return &gatewayv1.GetLogResponse{Log: got}, nil
}

// GetCheckpoint is the largest signed checkpoint.
func (l *logs) GetCheckpoint(ctx context.Context, _ *gatewayv1.GetCheckpointRequest) (*gatewayv1.GetCheckpointResponse, error) {
	leave, err := l.readers.take(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	got, err := l.log.GetCheckpoint(ctx, &auditv1.GetCheckpointRequest{})
	if err != nil {
		return nil, told(err, reasonCheckpointNotFound)
	}
	return &gatewayv1.GetCheckpointResponse{Body: &httpbody.HttpBody{ContentType: typeText, Data: []byte(got.GetCheckpoint())}}, nil
}

// GetTile is a tile of hashes.
func (l *logs) GetTile(ctx context.Context, req *gatewayv1.GetTileRequest) (*gatewayv1.GetTileResponse, error) {
	leave, err := l.readers.take(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	tile, err := tileOf(req.GetPath())
	if err != nil {
		return nil, err
	}
	got, err := l.log.GetTile(ctx, tile)
	if err != nil {
		return nil, told(err, reasonTileNotFound)
	}
	return &gatewayv1.GetTileResponse{Body: &httpbody.HttpBody{ContentType: typeBytes, Data: got.GetHashes()}}, nil
}

// tileOf reads the path of a tile, written in the one way that it can be. Bundles of entries are no tiles here:
// they would be the events themselves.
func tileOf(path string) (*auditv1.GetTileRequest, error) {
	t, err := tlog.ParseTilePath(fmt.Sprintf("tile/%d/%s", tileHeight, path))
	if err != nil || t.L < 0 || t.L >= tileLevels {
		return nil, fault.NotFound(reasonTileNotFound, "there is no such tile")
	}
	return &auditv1.GetTileRequest{Level: int32(t.L), Index: t.N, Width: int32(t.W)}, nil //nolint:gosec // both are small
}

// GetInclusionProof proves that a leaf is in a tree.
func (l *logs) GetInclusionProof(ctx context.Context, req *gatewayv1.GetInclusionProofRequest) (*gatewayv1.GetInclusionProofResponse, error) {
	leave, err := l.readers.take(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	got, err := l.log.GetInclusionProof(ctx, &auditv1.GetInclusionProofRequest{LeafIndex: req.GetLeafIndex(), TreeSize: req.GetTreeSize()})
	if err != nil {
		return nil, told(err, reasonCheckpointNotFound)
	}
	return &gatewayv1.GetInclusionProofResponse{Proof: got}, nil
}

// GetConsistencyProof proves that one tree is the beginning of another.
func (l *logs) GetConsistencyProof(ctx context.Context, req *gatewayv1.GetConsistencyProofRequest) (*gatewayv1.GetConsistencyProofResponse, error) {
	leave, err := l.readers.take(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	got, err := l.log.GetConsistencyProof(ctx, &auditv1.GetConsistencyProofRequest{First: req.GetFirst(), Second: req.GetSecond()})
	if err != nil {
		return nil, told(err, reasonCheckpointNotFound)
	}
	return &gatewayv1.GetConsistencyProofResponse{Proof: got}, nil
}
