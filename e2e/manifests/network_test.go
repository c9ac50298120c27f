package manifests_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestNetworkPoliciesMirrorCallerLists: whom a service's code lets call it, and nobody else, may connect to it.
func TestNetworkPoliciesMirrorCallerLists(t *testing.T) {
	all := rendered(t)
	for _, service := range services() {
		t.Run(service, func(t *testing.T) {
			policy := find(t, all, "NetworkPolicy", service).Spec
			if policy.PodSelector.MatchLabels[nameLabel] != service || !slices.Equal(policy.PolicyTypes, []string{"Ingress", "Egress"}) {
				t.Errorf("the policy is about %v, %v", policy.PodSelector, policy.PolicyTypes)
			}
			got := map[string]int{}
			for _, r := range policy.Ingress {
				for _, name := range names(t, r.From, r.Ports) {
					got[name]++
				}
			}
			want := map[string]int{}
			for _, name := range callers(t, service) {
				want[name] = 1
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("callers.go (-) and network policy (+) differ:\n%s", diff)
			}
		})
	}
}

// TestEgressMirrorsTargets: a process may connect to the services that its settings name, which know it as a caller.
func TestEgressMirrorsTargets(t *testing.T) {
	all := rendered(t)
	for _, process := range processes() {
		t.Run(process, func(t *testing.T) {
			want := []string{}
			for name, value := range find(t, all, "ConfigMap", process).Data {
				if !strings.HasSuffix(name, "_TARGET") {
					continue
				}
				peer, ok := strings.CutSuffix(strings.TrimPrefix(value, "dns:///"), ":7000")
				if !ok || !slices.Contains(services(), peer) {
					t.Fatalf("%s=%s names no service", name, value)
				}
				if !slices.Contains(callers(t, peer), process) {
					t.Errorf("%s is told to call %s, which does not answer it", process, peer)
				}
				want = append(want, peer)
			}
			got := []string{}
			for _, r := range find(t, all, "NetworkPolicy", process).Spec.Egress {
				if len(r.To) > 0 {
					got = append(got, names(t, r.To, r.Ports)...)
				}
			}
			slices.Sort(want)
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("targets (-) and egress (+) differ:\n%s", diff)
			}
		})
	}
}

// TestNothingIsOpenThatNoPolicyNames: the default is no, and rules without a peer are those that are meant.
func TestNothingIsOpenThatNoPolicyNames(t *testing.T) {
	all := rendered(t)
	deny := find(t, all, "NetworkPolicy", "deny-all").Spec
	if len(deny.PodSelector.MatchLabels)+len(deny.Ingress)+len(deny.Egress) > 0 || len(deny.PolicyTypes) != 2 {
		t.Errorf("deny-all allows: %+v", deny)
	}
	open := map[string][]int{}
	for _, m := range all {
		if m.Kind != "NetworkPolicy" {
			continue
		}
		for _, r := range slices.Concat(m.Spec.Ingress, m.Spec.Egress) {
			if len(r.From)+len(r.To) > 0 {
				continue
			}
			if len(r.Ports) == 0 {
				t.Errorf("%s has a rule for everybody and every port", m.Metadata.Name)
			}
			for _, p := range r.Ports {
				open[m.Metadata.Name] = append(open[m.Metadata.Name], p.Port)
			}
		}
	}
	if diff := cmp.Diff(map[string][]int{"audit-svc": {443}, "gateway": {8443, 9443, 443}, "optout-svc": {443}, "database": {5432}}, open); diff != "" {
		t.Errorf("ports without a peer (-meant +found):\n%s", diff)
	}
}

// names of the processes that a rule of gRPC is about.
func names(t *testing.T, peers []peer, ports []port) []string {
	t.Helper()
	if len(ports) != 1 || ports[0].Port != 7000 {
		t.Errorf("the rule is about ports %+v, not gRPC's", ports)
	}
	if len(peers) == 0 {
		t.Error("a rule names nobody, which means everybody")
	}
	var out []string
	for _, p := range peers {
		if p.PodSelector == nil || p.NamespaceSelector != nil || p.IPBlock != nil || len(p.PodSelector.MatchLabels) != 1 {
			t.Errorf("a peer is not one process of this namespace: %+v", p)
			continue
		}
		out = append(out, p.PodSelector.MatchLabels[nameLabel])
	}
	return out
}

// callers reads the caller list of a service from its source: the names of all its gRPC services together.
func callers(t *testing.T, service string) []string {
	t.Helper()
	dir := filepath.Join(root, service, "internal/app")
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no source in %s: %v", dir, err)
	}
	constants, found := map[string]string{}, map[string]bool{}
	var list *ast.FuncDecl
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Name.Name == "callers" && f.Recv == nil {
				list = f
			}
		}
		stringConstants(file, constants)
	}
	if list == nil {
		t.Fatalf("%s has no func callers", dir)
	}
	ast.Inspect(list, func(n ast.Node) bool {
		pair, ok := n.(*ast.KeyValueExpr)
		if !ok {
			return true
		}
		for _, e := range pair.Value.(*ast.CompositeLit).Elts {
			found[nameOf(t, e, constants)] = true
		}
		return false
	})
	if len(found) == 0 {
		t.Fatalf("%s: the caller list could not be read", dir)
	}
	return slices.Sorted(maps.Keys(found))
}

func nameOf(t *testing.T, e ast.Expr, constants map[string]string) string {
	t.Helper()
	switch v := e.(type) {
	case *ast.Ident:
		if s, ok := constants[v.Name]; ok {
			return s
		}
	case *ast.BasicLit:
		if s, err := strconv.Unquote(v.Value); err == nil {
			return s
		}
	}
	t.Fatalf("a caller is neither a constant nor a string: %#v", e)
	return ""
}

func stringConstants(file *ast.File, into map[string]string) {
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		for i, name := range spec.Names {
			if i >= len(spec.Values) {
				continue
			}
			if lit, ok := spec.Values[i].(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if s, err := strconv.Unquote(lit.Value); err == nil {
					into[name.Name] = s
				}
			}
		}
		return false
	})
}
