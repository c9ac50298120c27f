package app

import (
	"context"
	"fmt"

	auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"

	"github.com/dorsetcarerecord/dcr/internal/daemon"

	"github.com/dorsetcarerecord/dcr/audit-svc/internal/sequencer"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/service"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/sign"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/store"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/tile"
	"github.com/dorsetcarerecord/dcr/audit-svc/internal/witness"
)

// Tree is what makes the log verifiable.
type Tree struct {
	Sign     sign.Config      `embed:""`
	Sequence sequencer.Limits `embed:""`
	Witness  witness.Config   `embed:""`
}

// growTree makes the sequencer, the witnesses' worker, and the service that proves. Keys that are wrong, or
// not those of the log in the database, stop the start.
func growTree(ctx context.Context, cfg Tree, log *store.Store, p *daemon.Parts) error {
	keys, err := sign.Load(cfg.Sign)
	if err != nil {
		return err
	}
	signed, err := log.Signed(ctx)
	if err != nil {
		return err
	}
	if signed != nil {
		if err := keys.Continue(signed.Body, signed.Signers, cfg.Sign.Lost); err != nil {
			return fmt.Errorf("DCR_AUDIT_SIGNING_KEYS: %w", err)
		}
	}
	meter := p.Telemetry.Meter.Meter("dcr/audit")
	sequence, err := sequencer.New(sequencer.Config{
		Limits: cfg.Sequence, Log: log, Keys: keys, Diary: p.Telemetry.Log, Meter: meter, Now: clock,
		AnotherKey: cfg.Sign.Lost != "",
	})
	if err != nil {
		return err
	}
	p.Work("sequencer", sequence.Run)
	lag, err := sequencer.NewLag(log, p.Telemetry.Log, meter)
	if err != nil {
		return err
	}
	p.Work("lag watch", lag.Run)
	witnesses, err := witness.NewPusher(witness.PusherConfig{
		Config: cfg.Witness, Log: log, Prover: tile.NewReader(log), Keys: keys.Public(), Leads: sequence.Leads,
		Diary: p.Telemetry.Log, Meter: meter, Now: clock,
	})
	if err != nil {
		return err
	}
	p.Work("witnesses", witnesses.Run)
	proofs, err := service.NewLog(service.LogConfig{
		Store: log, Origin: keys.Origin(), Keys: keys.Public(), Witnesses: witnesses.Verifiers(),
	})
	if err != nil {
		return err
	}
	auditv1.RegisterLogServiceServer(p.Server, proofs)
	return nil
}
