package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	cosignature "github.com/transparency-dev/formats/note"
	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
	"golang.org/x/mod/sumdb/note"
)

// proofs is about how many leaves are proven, spread over the log.
const proofs = 32

// Config says which log, and whom to believe.
type Config struct {
	URL        *url.URL
	HTTP       *http.Client
	Key        string
	WitnessKey string // empty when nobody need have cosigned
}

// Report is what was checked.
type Report struct {
	Origin     string
	Size       uint64
	Inclusions int
	Consistent int
	Cosigned   bool
}

// String says it in a sentence.
func (r Report) String() string {
	witnessed := ""
	if r.Cosigned {
		witnessed = ", cosigned by the witness"
	}
	return fmt.Sprintf("%s: %d leaves; Tessera's fsck finds every tile right, %d inclusion and %d consistency proofs hold%s",
		r.Origin, r.Size, r.Inclusions, r.Consistent, witnessed)
}

// hashes is a fetcher for fsck. Bundles of entries are not served by our log, since they would hold personal
// data; what fsck needs of them is the leaves' hashes, and these are the tiles at the bottom.
type hashes struct{ *client.HTTPFetcher }

// ReadEntryBundle gives the hashes of the entries instead.
func (h hashes) ReadEntryBundle(ctx context.Context, i uint64, p uint8) ([]byte, error) {
	return h.ReadTile(ctx, 0, i, p)
}

// split cuts a tile into hashes.
func split(tile []byte) ([][]byte, error) {
	if len(tile)%sha256.Size != 0 {
		return nil, errors.New("a tile is made of hashes of 32 bytes")
	}
	var all [][]byte
	for ; len(tile) > 0; tile = tile[sha256.Size:] {
		all = append(all, tile[:sha256.Size])
	}
	return all, nil
}

// Check reads the whole log.
func Check(ctx context.Context, cfg Config) (*Report, error) {
	verifier, err := note.NewVerifier(cfg.Key)
	if err != nil {
		return nil, fmt.Errorf("the log's key: %w", err)
	}
	fetcher, err := client.NewHTTPFetcher(cfg.URL, cfg.HTTP)
	if err != nil {
		return nil, err
	}
	if err := fsck.New(verifier.Name(), verifier, hashes{fetcher}, split, fsck.Opts{N: 4}).Check(ctx); err != nil {
		return nil, fmt.Errorf("fsck: %w", err)
	}
	checkpoint, raw, _, err := client.FetchCheckpoint(ctx, fetcher.ReadCheckpoint, verifier, verifier.Name())
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	r := &Report{Origin: checkpoint.Origin, Size: checkpoint.Size}
	if err := r.prove(ctx, fetcher, checkpoint.Hash); err != nil {
		return nil, err
	}
	if cfg.WitnessKey == "" {
		return r, nil
	}
	r.Cosigned, err = true, cosigned(raw, verifier, cfg.WitnessKey)
	return r, err
}

// prove checks proofs that Tessera's client makes out of the tiles, with another library's arithmetic.
func (r *Report) prove(ctx context.Context, fetcher *client.HTTPFetcher, root []byte) error {
	if r.Size == 0 {
		return nil
	}
	builder, err := client.NewProofBuilder(ctx, r.Size, fetcher.ReadTile)
	if err != nil {
		return fmt.Errorf("proofs: %w", err)
	}
	leaves, err := client.FetchLeafHashes(ctx, fetcher.ReadTile, 0, r.Size, r.Size)
	if err != nil {
		return fmt.Errorf("leaves: %w", err)
	}
	grown := (&compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}).NewEmptyRange(0)
	step := max(1, r.Size/proofs)
	for index, leaf := range leaves {
		if err := grown.Append(leaf, nil); err != nil {
			return err
		}
		if uint64(index)%step != 0 {
			continue
		}
		if err := r.proveLeaf(ctx, builder, uint64(index), leaf, root); err != nil {
			return err
		}
		if err := r.proveGrowth(ctx, builder, grown, root); err != nil {
			return err
		}
	}
	return nil
}

// proveLeaf checks that a leaf is in the log.
func (r *Report) proveLeaf(ctx context.Context, builder *client.ProofBuilder, index uint64, leaf, root []byte) error {
	path, err := builder.InclusionProof(ctx, index)
	if err != nil {
		return fmt.Errorf("prove leaf %d: %w", index, err)
	}
	if err := proof.VerifyInclusion(rfc6962.DefaultHasher, index, r.Size, leaf, path, root); err != nil {
		return fmt.Errorf("leaf %d: %w", index, err)
	}
	r.Inclusions++
	return nil
}

// proveGrowth checks that the log as it was with fewer leaves is the beginning of what it is.
func (r *Report) proveGrowth(ctx context.Context, builder *client.ProofBuilder, before *compact.Range, root []byte) error {
	was, err := before.GetRootHash(nil)
	if err != nil {
		return err
	}
	path, err := builder.ConsistencyProof(ctx, before.End(), r.Size)
	if err != nil {
		return fmt.Errorf("prove the tree of %d leaves: %w", before.End(), err)
	}
	if err := proof.VerifyConsistency(rfc6962.DefaultHasher, before.End(), r.Size, path, was, root); err != nil {
		return fmt.Errorf("tree of %d leaves: %w", before.End(), err)
	}
	r.Consistent++
	return nil
}

// cosigned tells whether a witness's signature is under a checkpoint.
func cosigned(raw []byte, log note.Verifier, key string) error {
	witness, err := cosignature.NewVerifierForCosignatureV1(key)
	if err != nil {
		return fmt.Errorf("the witness's key: %w", err)
	}
	n, err := note.Open(raw, note.VerifierList(log, witness))
	if err != nil {
		return fmt.Errorf("cosignatures: %w", err)
	}
	for _, s := range n.Sigs {
		if s.Name == witness.Name() && s.Hash == witness.KeyHash() {
			return nil
		}
	}
	return errors.New("the witness has not cosigned the newest checkpoint")
}
