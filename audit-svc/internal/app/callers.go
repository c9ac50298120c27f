package app

import auditv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/audit/v1"

// Certificate names of the processes that may call us.
const (
	gateway     = "gateway"
	identitySvc = "identity-svc"
	recordSvc   = "record-svc"
	optoutSvc   = "optout-svc"
)

// callers lists who may call which gRPC service. This is the one place where it is decided who may append
// audit events, and who may read them.
func callers() map[string][]string {
	return map[string][]string{
		auditv1.AppendService_ServiceDesc.ServiceName:    {gateway, identitySvc, recordSvc, optoutSvc},
		auditv1.QueryService_ServiceDesc.ServiceName:     {gateway},
		auditv1.LogService_ServiceDesc.ServiceName:       {gateway},
		auditv1.CaseReadService_ServiceDesc.ServiceName:  {gateway},
		auditv1.CaseWriteService_ServiceDesc.ServiceName: {gateway},
	}
}

// outboxCallers are those of the appenders who deliver their events from an outbox, and so may be late. The
// gateway is none of them: it appends before it answers, so a late event of its own is a mistake.
func outboxCallers() []string { return []string{identitySvc, recordSvc, optoutSvc} }
