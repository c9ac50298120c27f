package claim

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
)

// The media types of documents that can be told apart by content.
const (
	TypePDF  = "application/pdf"
	TypePNG  = "image/png"
	TypeJPEG = "image/jpeg"
	TypeTIFF = "image/tiff"
)

// Document is a document that can be kept.
type Document struct {
	// Type is its media type by content.
	Type string
	// SHA256 of the content, in lower-case hexadecimal digits: under which it is kept.
	SHA256 string
	// Size in bytes.
	Size int
}

// Limits are what may be kept.
type Limits struct {
	// MaxBytes of a document.
	MaxBytes int
	// Types that may be kept, as media types.
	Types []string
}

// CheckDocument tells whether a document can be kept; problem is nil when it can. declared is the media type
// that its sender gave it, without parameters.
//
// The content must be what it is declared to be, from its first bytes to its last: a scan that is something
// else could do harm to the officer who opens it, and one that was cut off proves nothing. It is not
// decoded: what decodes documents is what gets attacked through them.
func CheckDocument(declared string, content []byte, limits Limits) (Document, *Problem) {
	refuse := func(reason Reason, text string) (Document, *Problem) {
		return Document{}, &Problem{Field: "document", Reason: reason, Text: text}
	}
	switch real := Sniff(content); {
	case len(content) == 0:
		return refuse(ReasonEmpty, "must not be empty")
	case len(content) > limits.MaxBytes:
		return refuse(ReasonTooLarge, "is larger than may be kept: scan it with fewer dots per inch")
	case !slices.Contains(limits.Types, real):
		return refuse(ReasonType, "must be a PDF, PNG, JPEG or TIFF that may be kept")
	case real != declared:
		return refuse(ReasonTypeDiffers, "is not what its Content-Type says")
	case !whole(real, content):
		return refuse(ReasonCutOff, "is cut off: send it again")
	default:
		sum := sha256.Sum256(content)
		return Document{Type: real, SHA256: hex.EncodeToString(sum[:]), Size: len(content)}, nil
	}
}

// Sniff gives the media type by the first bytes; empty when it is none of the four.
func Sniff(content []byte) string {
	for _, k := range []struct{ prefix, mediaType string }{
		{"%PDF-", TypePDF},
		{"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR", TypePNG},
		{"\xff\xd8\xff", TypeJPEG},
		{"II*\x00", TypeTIFF},
		{"MM\x00*", TypeTIFF},
	} {
		if bytes.HasPrefix(content, []byte(k.prefix)) {
			return k.mediaType
		}
	}
	return ""
}

// whole tells whether the end is there. Writers put line ends or padding after it, so that the end is looked
// for near the last byte.
func whole(mediaType string, content []byte) bool {
	const near = 1024
	tail := content[max(0, len(content)-near):]
	switch mediaType {
	case TypePDF:
		return bytes.Contains(tail, []byte("%%EOF"))
	case TypePNG:
		return bytes.Contains(tail, []byte("\x00\x00\x00\x00IEND\xae\x42\x60\x82"))
	case TypeJPEG:
		return bytes.Contains(tail, []byte("\xff\xd9"))
	case TypeTIFF:
		return wholeTIFF(content)
	}
	return false
}

// wholeTIFF: the first directory of a TIFF can stand anywhere; it has to be inside, with all its entries.
func wholeTIFF(content []byte) bool {
	const header, count, entry = 8, 2, 12
	if len(content) < header {
		return false
	}
	var order binary.ByteOrder = binary.LittleEndian
	if content[0] == 'M' {
		order = binary.BigEndian
	}
	at := int64(order.Uint32(content[4:header]))
	if at < header || at+count > int64(len(content)) {
		return false
	}
	entries := int64(order.Uint16(content[at : at+count]))
	return entries > 0 && at+count+entries*entry <= int64(len(content))
}
