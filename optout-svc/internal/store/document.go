package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jmoiron/sqlx"

	"github.com/dorsetcarerecord/dcr/internal/postgres"
)

// Document is a scan that is kept with a request. Content is read by Document alone.
type Document struct {
	OptOutID     uuid.UUID `db:"opt_out_id"`
	SHA256       string    `db:"sha256"`
	MediaType    string    `db:"media_type"`
	Size         int       `db:"size"`
	StaffID      string    `db:"staff_id"`
	StaffDisplay string    `db:"staff_display"`
	AddedAt      time.Time `db:"added_at"`
	Content      []byte    `db:"content"`
}

const insertDocument = `
INSERT INTO document (opt_out_id, sha256, media_type, size, content, staff_id, staff_display, added_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`

// InsertDocument keeps a document with a request that is locked.
func (s *Store) InsertDocument(ctx context.Context, tx *sqlx.Tx, d Document) error {
	_, err := s.stmt.Exec(ctx, tx, insertDocument, d.OptOutID, d.SHA256, d.MediaType, d.Size, d.Content, d.StaffID, d.StaffDisplay, d.AddedAt)
	if err != nil {
		return fmt.Errorf("insert document: %w", err)
	}
	return nil
}

const (
	documentColumns = `SELECT opt_out_id, sha256, media_type, size, staff_id, staff_display, added_at`
	selectDocuments = documentColumns + ` FROM document WHERE opt_out_id = $1 ORDER BY added_at, sha256`
	selectDocument  = documentColumns + `, content FROM document WHERE opt_out_id = $1 AND sha256 = $2`
)

// Documents of a request, oldest first, without their content. tx may be nil.
func (s *Store) Documents(ctx context.Context, tx *sqlx.Tx, id uuid.UUID) ([]Document, error) {
	var all []Document
	if err := s.stmt.Select(ctx, tx, &all, selectDocuments, id); err != nil {
		return nil, fmt.Errorf("read documents: %w", postgres.Translate(err))
	}
	return all, nil
}

// Document reads one with its content; ErrNotFound when there is none.
func (s *Store) Document(ctx context.Context, id uuid.UUID, sha256 string) (Document, error) {
	var d Document
	err := s.stmt.Get(ctx, nil, &d, selectDocument, id, sha256)
	if errors.Is(err, sql.ErrNoRows) {
		return d, ErrNotFound
	}
	if err != nil {
		return d, fmt.Errorf("read document: %w", postgres.Translate(err))
	}
	return d, nil
}
