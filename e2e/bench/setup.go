package bench

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/dorsetcarerecord/dcr/e2e/county"
	"github.com/dorsetcarerecord/dcr/e2e/stack"
)

// The bench's people: so many of each size, and some more for ingest.
const (
	each       = 40
	smallSize  = 20
	largeSize  = 100
	feedPeople = 40
)

// Suite is a running suite with the bench's people, and the bare things beside it.
type Suite struct {
	stack        *stack.Stack
	db           *sql.DB
	rest         *stack.REST
	token        string // of a GP who cares for everybody
	gp           county.Staff
	small, large []string // NHS numbers
	fed          []county.Person
	bare, door   *stack.Process
	bareURL      string
	doorURL      string
}

// Start brings up the suite in dir, loads the bench's people and starts the bare service beside it. self is
// this program, for its other two processes.
func Start(ctx context.Context, dir, bin, self string, say func(string, ...any)) (*Suite, error) {
	now := time.Now()
	c := county.New(1, now)
	numbers := make([]string, 0, len(c.People))
	for _, p := range c.People {
		numbers = append(numbers, p.NHSNumber)
	}
	small, large := numbers[:each], numbers[each:2*each]
	c.People = append(sized(small, smallSize, now), sized(large, largeSize, now)...)
	st, err := stack.Start(ctx, stack.Config{Dir: dir, BinDir: bin, County: c, Out: os.Stderr})
	if err != nil {
		return nil, err
	}
	s := &Suite{stack: st, small: small, large: large, fed: sized(numbers[2*each:2*each+feedPeople], largeSize, now)}
	if err := s.load(ctx, c, self, say); err != nil {
		s.Stop(ctx)
		return nil, err
	}
	return s, nil
}

func (s *Suite) load(ctx context.Context, c *county.County, self string, say func(string, ...any)) error {
	if err := s.stack.Seed(ctx); err != nil {
		return err
	}
	var err error
	if s.rest, err = stack.NewREST(s.stack.Gateways()[0].URL, s.stack.CAFile()); err != nil {
		return err
	}
	for _, m := range c.Staff {
		if m.ODSCode == practice && m.Role.Code == "R0260" && m.NHSNumber == "" {
			s.gp = m
		}
	}
	if s.token, err = s.stack.StaffToken(ctx, s.gp); err != nil {
		return err
	}
	if s.db, err = sql.Open("postgres", s.stack.DatabaseURL("")); err != nil {
		return err
	}
	s.db.SetMaxOpenConns(80)
	s.db.SetMaxIdleConns(80)
	if _, err := s.db.ExecContext(ctx, tableSQL); err != nil {
		return fmt.Errorf("make the bench's tables: %w", err)
	}
	for _, number := range append(append([]string{}, s.small...), s.large...) {
		if err := s.copyLines(ctx, number); err != nil {
			return fmt.Errorf("copy what the record shows: %w", err)
		}
	}
	if _, err := s.db.ExecContext(ctx, "VACUUM ANALYZE"); err != nil {
		return err
	}
	say("starting the bare service and the open door")
	return s.startBeside(ctx, self)
}

// copyLines gives the bare service the very entries that the record shows.
func (s *Suite) copyLines(ctx context.Context, number string) error {
	answer, err := s.rest.Get(ctx, "/v1/patients/"+number+"/record", s.token)
	if err != nil {
		return err
	}
	if err := answer.Err(); err != nil {
		return err
	}
	var view struct {
		Record struct {
			Sections []struct{ Entries []json.RawMessage }
		}
	}
	if err := json.Unmarshal(answer.Body, &view); err != nil {
		return err
	}
	n := 0
	for _, section := range view.Record.Sections {
		for _, e := range section.Entries {
			if _, err := s.db.ExecContext(ctx, `INSERT INTO bench.line VALUES ($1, $2, $3)`, number, n, string(e)); err != nil {
				return err
			}
			n++
		}
	}
	return nil
}

// startBeside starts the bare service and the open door as processes of their own.
func (s *Suite) startBeside(ctx context.Context, self string) error {
	start := func(name string, args ...string) (*stack.Process, string, error) {
		port, err := stack.FreePort()
		if err != nil {
			return nil, "", err
		}
		address := fmt.Sprintf("127.0.0.1:%d", port)
		p, err := stack.StartProcess(ctx, stack.Spec{
			Name: name, Program: self, LogDir: filepath.Join(s.stack.Dir(), "log"),
			Args: append([]string{name, "--listen", address, "--cert-dir", s.stack.CertDir()}, args...),
		})
		return p, "https://" + address, err
	}
	var err error
	if s.bare, s.bareURL, err = start("bare", "--database-url", s.stack.DatabaseURL("")); err != nil {
		return err
	}
	target := "static:///" + s.stack.Addresses("record-svc")[0]
	if s.door, s.doorURL, err = start("open-door", "--record-target", target); err != nil {
		return err
	}
	for _, url := range []string{s.bareURL + "/" + s.small[0], s.doorURL + "/" + s.small[0]} {
		if err := s.await(ctx, url); err != nil {
			return err
		}
	}
	return nil
}

func (s *Suite) await(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for {
		if s.get(ctx, url, "") == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer: %w", url, ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// get reads one answer whole, and fails unless it is 200.
func (s *Suite) get(ctx context.Context, url, token string) error {
	client := stack.REST{HTTP: s.rest.HTTP}
	answer, err := client.Get(ctx, url, token)
	if err != nil {
		return err
	}
	if answer.Status != http.StatusOK {
		return fmt.Errorf("%s: %w", "answer", answer.Err())
	}
	return nil
}

// servers are the processes of the suite, without the issuer and the witness, and PostgreSQL.
func (s *Suite) servers() []int {
	pids := []int{s.postgres()}
	for _, p := range s.stack.Processes() {
		if p.Name() != "issuer" && p.Name() != "witness" {
			pids = append(pids, p.PID())
		}
	}
	return pids
}

func (s *Suite) postgres() int { return s.stack.DatabasePID() }

// Stop stops everything.
func (s *Suite) Stop(ctx context.Context) {
	for _, p := range []*stack.Process{s.bare, s.door} {
		if p != nil {
			_ = p.Stop()
		}
	}
	if s.db != nil {
		_ = s.db.Close()
	}
	_ = s.stack.Stop(context.WithoutCancel(ctx))
}
