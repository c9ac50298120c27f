package manifests_test

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// root of the repository, from this package's folder.
const root = "../.."

// processes of the suite, each a Deployment of the same name.
func processes() []string {
	return []string{"audit-svc", "gateway", "identity-svc", "optout-svc", "record-svc"}
}

// services are the processes that answer gRPC to each other; the gateway answers the world.
func services() []string { return []string{"audit-svc", "identity-svc", "optout-svc", "record-svc"} }

type manifest struct {
	Kind     string            `yaml:"kind"`
	Metadata metadata          `yaml:"metadata"`
	Data     map[string]string `yaml:"data"`
	Spec     spec              `yaml:"spec"`
}

type metadata struct {
	Name      string            `yaml:"name"`
	Namespace string            `yaml:"namespace"`
	Labels    map[string]string `yaml:"labels"`
}

// spec has what any of the kinds has.
type spec struct {
	Replicas int `yaml:"replicas"`
	Strategy struct {
		RollingUpdate struct {
			MaxUnavailable *int `yaml:"maxUnavailable"`
		} `yaml:"rollingUpdate"`
	} `yaml:"strategy"`
	Template       template  `yaml:"template"`
	JobTemplate    *manifest `yaml:"jobTemplate"`
	Selector       any       `yaml:"selector"`
	ClusterIP      string    `yaml:"clusterIP"`
	MaxUnavailable *int      `yaml:"maxUnavailable"`
	Ports          []port    `yaml:"ports"`
	PodSelector    selector  `yaml:"podSelector"`
	PolicyTypes    []string  `yaml:"policyTypes"`
	Ingress        []rule    `yaml:"ingress"`
	Egress         []rule    `yaml:"egress"`
}

type template struct {
	Metadata metadata `yaml:"metadata"`
	Spec     podSpec  `yaml:"spec"`
}

type selector struct {
	MatchLabels map[string]string `yaml:"matchLabels"`
}

type rule struct {
	From  []peer `yaml:"from"`
	To    []peer `yaml:"to"`
	Ports []port `yaml:"ports"`
}

type peer struct {
	PodSelector       *selector `yaml:"podSelector"`
	NamespaceSelector *selector `yaml:"namespaceSelector"`
	IPBlock           any       `yaml:"ipBlock"`
}

type port struct {
	Name          string `yaml:"name"`
	Port          int    `yaml:"port"`
	ContainerPort int    `yaml:"containerPort"`
	TargetPort    string `yaml:"targetPort"`
}

const nameLabel = "app.kubernetes.io/name"

// rendered is k8s/base as kustomize renders it.
func rendered(t *testing.T) []manifest {
	t.Helper()
	tool := filepath.Join(root, ".tools/bin/kustomize")
	cmd := exec.CommandContext(t.Context(), tool, "build", filepath.Join(root, "k8s/base"))
	if _, err := os.Stat(tool); err != nil {
		// The same pinned version, built by the Go command where `make` has not been run.
		cmd = exec.CommandContext(t.Context(), "go", "run", "sigs.k8s.io/kustomize/kustomize/v5", "build", "../../k8s/base")
		cmd.Dir, cmd.Env = filepath.Join(root, "tools/kustomize"), append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	text, err := cmd.Output()
	if err != nil {
		t.Fatalf("render k8s/base: %v\n%s", err, stderr.String())
	}
	var all []manifest
	for dec := yaml.NewDecoder(strings.NewReader(string(text))); ; {
		var m manifest
		err := dec.Decode(&m)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, m)
	}
}

// find is the one manifest of a kind whose name begins with name and, for generated ones, ends in a hash.
func find(t *testing.T, all []manifest, kind, name string) manifest {
	t.Helper()
	for _, m := range all {
		generated := kind == "ConfigMap" && strings.HasPrefix(m.Metadata.Name, name+"-")
		if m.Kind == kind && (m.Metadata.Name == name || generated) {
			return m
		}
	}
	t.Fatalf("there is no %s %s", kind, name)
	return manifest{}
}
