package service

import (
	"context"
	"errors"
	"fmt"
	"strings"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"
	"golang.org/x/mod/sumdb/tlog"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/dorsetcarerecord/dcr/internal/fault"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/store"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/tile"
	"github.com/dorsetcarerecord/dcr/audit-svc/verify"
)

// Reasons of the tree.
const (
	ReasonNoCheckpoint = "CHECKPOINT_NOT_FOUND"
	ReasonNoTile       = "TILE_NOT_FOUND"
	ReasonNotReady     = "RECEIPT_NOT_READY"
)

// LogConfig is what a Log needs.
type LogConfig struct {
	Store *store.Store
	// Origin is the name of the log, Keys are its public keys.
	Origin string
	Keys   []string
	// Witnesses are the public keys of those to whom checkpoints are sent.
	Witnesses []string
}

// Log implements LogService.
type Log struct {
	auditv1.UnimplementedLogServiceServer
	cfg  LogConfig
	tree *tile.Reader
}

// NewLog makes a Log.
func NewLog(cfg LogConfig) (*Log, error) {
	if cfg.Store == nil || cfg.Origin == "" || len(cfg.Keys) == 0 {
		return nil, errors.New("make log service: Store, Origin and Keys are needed")
	}
	return &Log{cfg: cfg, tree: tile.NewReader(cfg.Store)}, nil
}

// GetLog says who signs the log, who watches it, and how large it is.
func (l *Log) GetLog(ctx context.Context, _ *auditv1.GetLogRequest) (*auditv1.GetLogResponse, error) {
	answer := &auditv1.GetLogResponse{Origin: l.cfg.Origin}
	for _, key := range l.cfg.Keys {
		answer.Keys = append(answer.Keys, &auditv1.LogKey{Verifier: key, KeyId: keyID(key)})
	}
	for _, key := range l.cfg.Witnesses {
		seen, err := l.cfg.Store.Cosigned(ctx, signerOf(key))
		if err != nil {
			return nil, err
		}
		w := &auditv1.Witness{Verifier: key, TreeSize: seen.Size}
		if !seen.At.IsZero() {
			w.CosignedAt = timestamppb.New(seen.At)
		}
		answer.Witnesses = append(answer.Witnesses, w)
	}
	c, err := l.cfg.Store.Largest(ctx)
	if err != nil || c == nil {
		return answer, err
	}
	text, err := verify.ParseCheckpoint(c.Body)
	if err != nil {
		return nil, fmt.Errorf("read stored checkpoint: %w", err)
	}
	answer.TreeSize, answer.RootHash, answer.CheckpointAt = c.Size, text.Root[:], timestamppb.New(c.MadeAt)
	return answer, nil
}

// keyID is the middle part of name+id+key; signerOf its first two.
func keyID(key string) string {
	parts := strings.SplitN(key, "+", 3)
	return parts[min(1, len(parts)-1)]
}

func signerOf(key string) string {
	parts := strings.SplitN(key, "+", 3)
	return strings.Join(parts[:min(2, len(parts))], "+")
}

// GetCheckpoint is a signed checkpoint with all its signatures.
func (l *Log) GetCheckpoint(ctx context.Context, req *auditv1.GetCheckpointRequest) (*auditv1.GetCheckpointResponse, error) {
	c, err := l.checkpoint(ctx, req)
	if err != nil {
		return nil, err
	}
	if c == nil {
		return nil, fault.NotFound(ReasonNoCheckpoint, "there is no such checkpoint")
	}
	return &auditv1.GetCheckpointResponse{Checkpoint: c.Note(), TreeSize: c.Size}, nil
}

func (l *Log) checkpoint(ctx context.Context, req *auditv1.GetCheckpointRequest) (*store.Checkpoint, error) {
	switch {
	case req.TreeSize != nil && req.GetWitnessed():
		return nil, fault.Invalid(ReasonArgument, "witnessed", "must not be given with a size")
	case req.TreeSize != nil:
		return l.cfg.Store.OfSize(ctx, req.GetTreeSize())
	case req.GetWitnessed():
		return l.cfg.Store.Witnessed(ctx)
	default:
		return l.cfg.Store.Largest(ctx)
	}
}

// GetTile is a tile of hashes.
func (l *Log) GetTile(ctx context.Context, req *auditv1.GetTileRequest) (*auditv1.GetTileResponse, error) {
	hashes, err := l.tree.Tile(ctx, tlog.Tile{H: verify.TileHeight, L: int(req.GetLevel()), N: req.GetIndex(), W: int(req.GetWidth())})
	if errors.Is(err, tile.ErrNoTile) {
		return nil, fault.NotFound(ReasonNoTile, "there is no such tile")
	}
	if err != nil {
		return nil, err
	}
	return &auditv1.GetTileResponse{Hashes: hashes}, nil
}

// GetInclusionProof proves that a leaf is in a tree.
func (l *Log) GetInclusionProof(ctx context.Context, req *auditv1.GetInclusionProofRequest) (*auditv1.GetInclusionProofResponse, error) {
	size, err := l.sizeOr(ctx, req.GetTreeSize())
	if err != nil {
		return nil, err
	}
	proof, leaf, err := l.tree.Inclusion(ctx, req.GetLeafIndex(), size)
	if errors.Is(err, tile.ErrOutside) {
		return nil, fault.Invalid(ReasonArgument, "leaf_index", "must be below tree_size, and tree_size within the tree")
	}
	if err != nil {
		return nil, err
	}
	return &auditv1.GetInclusionProofResponse{LeafIndex: req.GetLeafIndex(), TreeSize: size, LeafHash: leaf[:], Hashes: bytesOf(proof)}, nil
}

// GetConsistencyProof proves that one tree is the beginning of another.
func (l *Log) GetConsistencyProof(ctx context.Context, req *auditv1.GetConsistencyProofRequest) (*auditv1.GetConsistencyProofResponse, error) {
	size, err := l.sizeOr(ctx, req.GetSecond())
	if err != nil {
		return nil, err
	}
	proof, err := l.tree.Consistency(ctx, req.GetFirst(), size)
	if errors.Is(err, tile.ErrOutside) {
		return nil, fault.Invalid(ReasonArgument, "second", "must not be below first, and must lie within the tree")
	}
	if err != nil {
		return nil, err
	}
	return &auditv1.GetConsistencyProofResponse{First: req.GetFirst(), Second: size, Hashes: bytesOf(proof)}, nil
}

// sizeOr is the size asked for, or that of the largest checkpoint.
func (l *Log) sizeOr(ctx context.Context, asked int64) (int64, error) {
	if asked != 0 {
		return asked, nil
	}
	c, err := l.cfg.Store.Largest(ctx)
	if err != nil {
		return 0, err
	}
	if c == nil {
		return 0, fault.NotFound(ReasonNoCheckpoint, "there is no checkpoint yet")
	}
	return c.Size, nil
}

func bytesOf(hashes []tlog.Hash) [][]byte {
	all := make([][]byte, len(hashes))
	for i := range hashes {
		all[i] = hashes[i][:]
	}
	return all
}
