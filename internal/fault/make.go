package fault

// Invalid says that one field of the request is wrong. An empty field means
// the request as a whole.
func Invalid(reason, field, text string) *Error {
	return &Error{Kind: KindInvalid, Reason: reason, Text: text, Fields: []Field{{Name: field, Text: text}}}
}

// Unauthenticated says that the caller did not prove who they are.
func Unauthenticated(reason, text string) *Error {
	return &Error{Kind: KindUnauthenticated, Reason: reason, Text: text}
}

// Denied says that the caller is known and may not do this.
func Denied(reason, text string) *Error {
	return &Error{Kind: KindDenied, Reason: reason, Text: text}
}

// NotFound says that the thing is absent, or that this caller may not learn of it.
func NotFound(reason, text string) *Error {
	return &Error{Kind: KindNotFound, Reason: reason, Text: text}
}

// Duplicate says that the thing to be made exists already.
func Duplicate(reason, text string) *Error {
	return &Error{Kind: KindDuplicate, Reason: reason, Text: text}
}

// Conflict says that somebody else changed the thing meanwhile, or that a
// request id was used for another request.
func Conflict(reason, text string) *Error {
	return &Error{Kind: KindConflict, Reason: reason, Text: text}
}

// Precondition says that the state of the thing does not allow this.
func Precondition(reason, text string) *Error {
	return &Error{Kind: KindPrecondition, Reason: reason, Text: text}
}

// Exhausted says that a limit or quota is used up.
func Exhausted(reason, text string) *Error {
	return &Error{Kind: KindExhausted, Reason: reason, Text: text}
}

// Unavailable says that something needed cannot be reached now; the same
// request may succeed later.
func Unavailable(reason, text string) *Error {
	return &Error{Kind: KindUnavailable, Reason: reason, Text: text}
}

// Internal says that we are at fault. The caller learns nothing but that.
func Internal(cause error) *Error {
	return &Error{Kind: KindInternal, Reason: ReasonInternal, Text: textInternal, cause: cause}
}
