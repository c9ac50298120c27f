package app

import optoutv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/optout/v1"

// Certificate names of the processes that may call us, and of those that we call.
const (
	gateway     = "gateway"
	auditSvc    = "audit-svc"
	recordSvc   = "record-svc"
	identitySvc = "identity-svc"
)

// callers lists who may call which gRPC service, and is the one place where that is decided. Choosing,
// reading and writing are apart, so that one of them can be given to somebody without the others.
func callers() map[string][]string {
	return map[string][]string{
		optoutv1.ChoiceService_ServiceDesc.ServiceName:          {gateway},
		optoutv1.OptOutReadService_ServiceDesc.ServiceName:      {gateway},
		optoutv1.OptOutWriteService_ServiceDesc.ServiceName:     {gateway},
		optoutv1.OptOutPublicService_ServiceDesc.ServiceName:    {gateway},
		optoutv1.OptOutDocumentService_ServiceDesc.ServiceName:  {gateway},
		optoutv1.OptOutImportService_ServiceDesc.ServiceName:    {gateway},
		optoutv1.LetterService_ServiceDesc.ServiceName:          {gateway},
		optoutv1.LinkService_ServiceDesc.ServiceName:            {identitySvc},
		optoutv1.UnlinkReviewService_ServiceDesc.ServiceName:    {gateway},
		optoutv1.NewPersonService_ServiceDesc.ServiceName:       {recordSvc},
		optoutv1.NewPersonReviewService_ServiceDesc.ServiceName: {gateway},
	}
}
