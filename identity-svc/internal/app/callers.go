package app

import identityv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/identity/v1"

// Certificate names of the processes that may call us, and of those that we call.
const (
	gateway   = "gateway"
	recordSvc = "record-svc"
	optoutSvc = "optout-svc"
	auditSvc  = "audit-svc"
)

// callers lists who may call which gRPC service, and is the one place where that is decided. Only
// record-svc says what feeds say, and only optout-svc asks whom a request means; all else is asked by the gateway, which has authenticated and decided.
func callers() map[string][]string {
	return map[string][]string{
		identityv1.FactsService_ServiceDesc.ServiceName:          {gateway},
		identityv1.PatientService_ServiceDesc.ServiceName:        {gateway},
		identityv1.RelationshipService_ServiceDesc.ServiceName:   {gateway},
		identityv1.DirectoryReadService_ServiceDesc.ServiceName:  {gateway},
		identityv1.DirectoryAdminService_ServiceDesc.ServiceName: {gateway},
		identityv1.FeedService_ServiceDesc.ServiceName:           {recordSvc},
		identityv1.MatchService_ServiceDesc.ServiceName:          {optoutSvc},
		identityv1.MergeService_ServiceDesc.ServiceName:          {gateway},
	}
}
