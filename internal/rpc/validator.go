package rpc

import (
	"errors"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/proto"
)

// Validator holds requests to the rules of their protos, with the same words
// as a Server's chain. It is for the gateway, whose chain is its own.
type Validator struct{ rules protovalidate.Validator }

// NewValidator compiles the rules of every request of the services, by their
// full names. It fails on a rule that does not compile.
func NewValidator(services ...string) (*Validator, error) {
	v, err := newValidator(services)
	if err != nil {
		return nil, err
	}
	return &Validator{v}, nil
}

// Check gives an Invalid fault that names the wrong fields, or nil.
func (v *Validator) Check(request any) error {
	msg, ok := request.(proto.Message)
	if !ok {
		return errors.New("the request is no message")
	}
	if err := v.rules.Validate(msg); err != nil {
		return invalid(err)
	}
	return nil
}
