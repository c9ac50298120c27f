package pgserver

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// account is the operating system user that the server runs as. A nil account means: as ourselves.
type account struct {
	name     string
	uid, gid uint32
}

// serverAccount picks the user for the server: ourselves unless we are root, whom PostgreSQL refuses.
// The user must have a passwd entry, since initdb looks its own name up.
func serverAccount() (*account, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		found, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, errUID := strconv.ParseUint(found.Uid, 10, 32)
		gid, errGID := strconv.ParseUint(found.Gid, 10, 32)
		if err := errors.Join(errUID, errGID); err != nil {
			return nil, fmt.Errorf("user %s: %w", name, err)
		}
		return &account{name: name, uid: uint32(uid), gid: uint32(gid)}, nil
	}
	return nil, errors.New("started by root, and neither user postgres nor nobody exists to run PostgreSQL as")
}

// attributes are the process attributes of a program that runs as this account.
func (a *account) attributes() *syscall.SysProcAttr {
	// A group of its own: Ctrl-C in a terminal must reach our process alone, which then stops the
	// services before the database.
	attr := &syscall.SysProcAttr{Setpgid: true}
	if a != nil {
		attr.Credential = &syscall.Credential{Uid: a.uid, Gid: a.gid, NoSetGroups: false}
	}
	return attr
}

// own gives a file or folder, and all in it, to the account.
func (a *account) own(path string) error {
	if a == nil {
		return nil
	}
	return filepath.WalkDir(path, func(name string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(name, int(a.uid), int(a.gid))
	})
}

// letThrough makes every folder above path passable (execute, not read) for the account, since a
// server that cannot reach its data folder fails with a message that does not say so.
func (a *account) letThrough(path string, log io.Writer) error {
	if a == nil {
		return nil
	}
	for dir := filepath.Dir(path); dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o001 != 0 {
			continue
		}
		fmt.Fprintf(log, "pgserver: letting user %s pass through %s (chmod o+x)\n", a.name, dir)
		if err := os.Chmod(dir, info.Mode().Perm()|0o001|info.Mode()&(os.ModeSticky|os.ModeSetgid)); err != nil {
			return err
		}
	}
	return nil
}
