// Package bench measures what docs/performance.md says: the suite beside the bare thing that it could be
// at best. Cases take turns within one run, since machines drift; what counts are ratios within a run, and
// CPU per operation of the server processes, which is steadier than throughput where client and servers
// share the cores. It measures and never judges: nothing here is a test.
package bench
