// Package manifests holds the code against what is written about it: the manifests of k8s/base, rendered, and the lists
// of docs/operations. Whoever adds a caller, a setting or a metric and tells nobody fails here.
package manifests
