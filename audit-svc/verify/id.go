package verify

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"time"
)

// ErrID is returned for an id that is no UUIDv7 in its canonical form. It does not quote the id.
var ErrID = errors.New("the id of an event is a UUIDv7 in lower case")

const (
	idText  = 36 // xxxxxxxx-xxxx-7xxx-vxxx-xxxxxxxxxxxx
	version = 7
	variant = 0b10
)

// Time is the instant that an event's id names, to the millisecond, in UTC (RFC 9562 section 5.7). Only
// the canonical form in lower case is read, so that one event has one id in every comparison.
func Time(id string) (time.Time, error) {
	if len(id) != idText || id[8] != '-' || id[13] != '-' || id[18] != '-' || id[23] != '-' {
		return time.Time{}, ErrID
	}
	for i := range len(id) {
		if id[i] >= 'A' && id[i] <= 'F' {
			return time.Time{}, ErrID
		}
	}
	raw, err := hex.DecodeString(id[:8] + id[9:13] + id[14:18] + id[19:23] + id[24:])
	if err != nil || raw[6]>>4 != version || raw[8]>>6 != variant {
		return time.Time{}, ErrID
	}
	millis := binary.BigEndian.Uint64(raw[:8]) >> 16
	return time.UnixMilli(int64(millis)).UTC(), nil
}

// FirstID is the smallest UUID that is not smaller than any UUIDv7 of an earlier millisecond than t's:
// the bound between the events before t and the others. It is a bound and no id. Instants before 1970
// give the smallest UUID.
func FirstID(t time.Time) string {
	var raw [16]byte
	if millis := t.UnixMilli(); millis > 0 {
		binary.BigEndian.PutUint64(raw[:8], uint64(millis)<<16)
	}
	x := hex.EncodeToString(raw[:])
	return x[:8] + "-" + x[8:12] + "-" + x[12:16] + "-" + x[16:20] + "-" + x[20:]
}
