package edge

import (
	"errors"
	"fmt"
	"io"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

var errNoMessage = errors.New("edge: neither a message nor a body")

// buffered is a request body that the gate has read already. Its bytes are
// handed over, not read out again: a bundle of 16 MiB is held once.
type buffered struct {
	data []byte
	// mediaType of bytes that are passed on unread.
	mediaType string
}

// Read is for what grpc-gateway drains; everything was taken by the decoder.
func (*buffered) Read([]byte) (int, error) { return 0, io.EOF }

// Close has nothing to close.
func (*buffered) Close() error { return nil }

// codec is the JSON of REST: names as in the protos, absent fields left out. A
// google.api.HttpBody passes as the bytes that it is, with its own type.
type codec struct{}

// ContentType is that of the body which an answer carries, else JSON.
func (codec) ContentType(v any) string {
	if b, ok := bodyOf(v); ok {
		return b.GetContentType()
	}
	return typeJSON
}

// Marshal prints a message, or hands over a body.
func (codec) Marshal(v any) ([]byte, error) {
	if b, ok := bodyOf(v); ok {
		return b.GetData(), nil
	}
	m, ok := v.(proto.Message)
	if !ok {
		return nil, errNoMessage
	}
	b, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("print answer: %w", err)
	}
	return append(b, '\n'), nil
}

// Unmarshal is not used: requests come through NewDecoder.
func (codec) Unmarshal([]byte, any) error { return errNoMessage }

// NewEncoder is not used: nothing streams.
func (codec) NewEncoder(io.Writer) runtime.Encoder {
	return runtime.EncoderFunc(func(any) error { return errNoMessage })
}

// NewDecoder takes the body that the gate read. Any other reader has not passed
// the gate and is refused.
func (codec) NewDecoder(r io.Reader) runtime.Decoder {
	return runtime.DecoderFunc(func(v any) error {
		body, ok := r.(*buffered)
		if !ok {
			return errNoMessage
		}
		switch to := v.(type) {
		case **httpbody.HttpBody:
			*to = &httpbody.HttpBody{ContentType: body.mediaType, Data: body.data}
			return nil
		case proto.Message:
			if len(body.data) == 0 {
				return nil
			}
			return protojson.UnmarshalOptions{}.Unmarshal(body.data, to)
		default:
			return errNoMessage
		}
	})
}

// bodyOf finds the body in a value, or in an answer of which only the body is
// to be written (response_body in the contract).
func bodyOf(v any) (*httpbody.HttpBody, bool) {
	if part, ok := v.(interface{ XXX_ResponseBody() any }); ok {
		v = part.XXX_ResponseBody()
	}
	b, ok := v.(*httpbody.HttpBody)
	return b, ok
}
