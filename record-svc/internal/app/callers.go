package app

import recordv1 "github.com/dorsetcarerecord/dcr/proto/gen/go/dcr/record/v1"

// Certificate names of the processes that may call us, and of those that we call.
const (
	gateway     = "gateway"
	optoutSvc   = "optout-svc"
	auditSvc    = "audit-svc"
	identitySvc = "identity-svc"
)

// callers lists who may call which gRPC service, and is the one place where that is decided. Only the
// gateway, which has decided, reads; only optout-svc says who is sealed, and asks who must decide about a child; only
// identity-svc leads merges.
func callers() map[string][]string {
	return map[string][]string{
		recordv1.ReadService_ServiceDesc.ServiceName:         {gateway},
		recordv1.SealService_ServiceDesc.ServiceName:         {optoutSvc},
		recordv1.MergeService_ServiceDesc.ServiceName:        {identitySvc},
		recordv1.SafeguardingService_ServiceDesc.ServiceName: {optoutSvc},
		recordv1.FeedService_ServiceDesc.ServiceName:         {gateway},
		recordv1.FeedReadService_ServiceDesc.ServiceName:     {gateway},
	}
}
