package manifests_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

type podSpec struct {
	AutomountServiceAccountToken  *bool            `yaml:"automountServiceAccountToken"`
	TerminationGracePeriodSeconds int              `yaml:"terminationGracePeriodSeconds"`
	SecurityContext               securityContext  `yaml:"securityContext"`
	HostNetwork                   bool             `yaml:"hostNetwork"`
	Containers                    []container      `yaml:"containers"`
	InitContainers                []container      `yaml:"initContainers"`
	Volumes                       []map[string]any `yaml:"volumes"`
	TopologySpreadConstraints     []struct {
		TopologyKey   string   `yaml:"topologyKey"`
		LabelSelector selector `yaml:"labelSelector"`
	} `yaml:"topologySpreadConstraints"`
}

type container struct {
	Name      string   `yaml:"name"`
	Args      []string `yaml:"args"`
	Ports     []port   `yaml:"ports"`
	Resources struct {
		Requests map[string]string `yaml:"requests"`
		Limits   map[string]string `yaml:"limits"`
	} `yaml:"resources"`
	SecurityContext securityContext `yaml:"securityContext"`
	LivenessProbe   probe           `yaml:"livenessProbe"`
	ReadinessProbe  probe           `yaml:"readinessProbe"`
	EnvFrom         []any           `yaml:"envFrom"`
	Env             []struct {
		Name      string `yaml:"name"`
		Value     string `yaml:"value"`
		ValueFrom struct {
			SecretKeyRef struct {
				Name string `yaml:"name"`
			} `yaml:"secretKeyRef"`
		} `yaml:"valueFrom"`
	} `yaml:"env"`
}

type probe struct {
	HTTPGet struct {
		Path string `yaml:"path"`
		Port string `yaml:"port"`
	} `yaml:"httpGet"`
}

type securityContext struct {
	RunAsNonRoot   bool `yaml:"runAsNonRoot"`
	SeccompProfile struct {
		Type string `yaml:"type"`
	} `yaml:"seccompProfile"`
	AllowPrivilegeEscalation *bool `yaml:"allowPrivilegeEscalation"`
	ReadOnlyRootFilesystem   bool  `yaml:"readOnlyRootFilesystem"`
	Privileged               bool  `yaml:"privileged"`
	Capabilities             struct {
		Add  []string `yaml:"add"`
		Drop []string `yaml:"drop"`
	} `yaml:"capabilities"`
}

// pods of every Deployment, Job and CronJob by name.
func pods(all []manifest) map[string]template {
	found := map[string]template{}
	for _, m := range all {
		switch m.Kind {
		case "Deployment", "Job":
			found[m.Metadata.Name] = m.Spec.Template
		case "CronJob":
			found[m.Metadata.Name] = m.Spec.JobTemplate.Spec.Template
		}
	}
	return found
}

// TestPodsAreRestricted: the profile "restricted" of the Pod Security Standards, and a read-only file system.
func TestPodsAreRestricted(t *testing.T) {
	found := pods(rendered(t))
	if len(found) != 10 {
		t.Errorf("%d pods, want five processes, four migrations and the maintenance", len(found))
	}
	for name, p := range found {
		c := p.Spec.SecurityContext
		if !c.RunAsNonRoot || c.SeccompProfile.Type != "RuntimeDefault" || p.Spec.HostNetwork ||
			p.Spec.AutomountServiceAccountToken == nil || *p.Spec.AutomountServiceAccountToken {
			t.Errorf("%s: the pod is not restricted", name)
		}
		if len(p.Spec.Containers) != 1 || len(p.Spec.InitContainers) != 0 {
			t.Errorf("%s has not one container", name)
		}
		for _, c := range p.Spec.Containers {
			s := c.SecurityContext
			if s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation || !s.ReadOnlyRootFilesystem || s.Privileged ||
				len(s.Capabilities.Add) > 0 || !slices.Equal(s.Capabilities.Drop, []string{"ALL"}) {
				t.Errorf("%s: container %s is not restricted", name, c.Name)
			}
			if c.Resources.Requests["cpu"] == "" || c.Resources.Requests["memory"] == "" || c.Resources.Limits["memory"] == "" {
				t.Errorf("%s: container %s has no resources", name, c.Name)
			}
		}
	}
}

// TestOwnersSecretsAreMountedNowhereElse: only what migrates or maintains holds the secret of a schema's owner.
func TestOwnersSecretsAreMountedNowhereElse(t *testing.T) {
	for name, p := range pods(rendered(t)) {
		service, owner := strings.CutSuffix(name, "-migrate")
		if !owner {
			service, owner = strings.CutSuffix(name, "-maintain")
		}
		want := service + "-database"
		if owner {
			want += "-owner"
		}
		for _, e := range p.Spec.Containers[0].Env {
			if e.Value != "" || e.ValueFrom.SecretKeyRef.Name != want {
				t.Errorf("%s takes %s from %q, want secret %s", name, e.Name, e.ValueFrom.SecretKeyRef.Name, want)
			}
		}
	}
}

// TestDeployments: two replicas, never fewer while rolling, spread, with probes of the listener that answers them, and
// time to stop in.
func TestDeployments(t *testing.T) {
	all := rendered(t)
	for _, name := range processes() {
		t.Run(name, func(t *testing.T) {
			d := find(t, all, "Deployment", name).Spec
			if d.Replicas < 2 || d.Strategy.RollingUpdate.MaxUnavailable == nil || *d.Strategy.RollingUpdate.MaxUnavailable != 0 {
				t.Error("a rolling update leaves fewer replicas than before")
			}
			c := d.Template.Spec.Containers[0]
			if c.ReadinessProbe.HTTPGet.Path != "/readyz" || c.LivenessProbe.HTTPGet.Path != "/livez" ||
				c.ReadinessProbe.HTTPGet.Port != "ops" || c.LivenessProbe.HTTPGet.Port != "ops" {
				t.Error("the probes do not ask the operators' listener")
			}
			listening(t, find(t, all, "ConfigMap", name).Data, c.Ports)
			if len(d.Template.Spec.TopologySpreadConstraints) == 0 {
				t.Error("replicas may share one host")
			}
			for _, s := range d.Template.Spec.TopologySpreadConstraints {
				if s.LabelSelector.MatchLabels[nameLabel] != name {
					t.Errorf("spread over %s is not among its own replicas", s.TopologyKey)
				}
			}
			if b := find(t, all, "PodDisruptionBudget", name).Spec; b.MaxUnavailable == nil || *b.MaxUnavailable != 1 {
				t.Error("an eviction may take more than one replica")
			}
			labels := d.Template.Metadata.Labels
			if labels[nameLabel] != name || labels["app.kubernetes.io/part-of"] != "dorset-care-record" {
				t.Errorf("labels %v", labels)
			}
			if headless := find(t, all, "Service", name).Spec.ClusterIP == "None"; headless != (name != "gateway") {
				t.Error("services of gRPC, and they alone, are headless")
			}
		})
	}
}

// listening compares the listeners that the settings name with the ports of the container.
func listening(t *testing.T, settings map[string]string, ports []port) {
	t.Helper()
	want := map[string]string{"DCR_LISTEN": "grpc", "DCR_LISTEN_GRPC": "grpc", "DCR_LISTEN_REST": "rest", "DCR_OPS_LISTEN": "ops"}
	got := map[string]int{}
	for _, p := range ports {
		got[p.Name] = p.ContainerPort
	}
	named := 0
	for setting, name := range want {
		value, ok := settings[setting]
		if !ok {
			continue
		}
		named++
		if value != ":"+itoa(got[name]) {
			t.Errorf("%s=%s, and port %s is %d", setting, value, name, got[name])
		}
	}
	if named != len(ports) {
		t.Errorf("%d listeners, %d ports", named, len(ports))
	}
}

// TestGracePeriod: the platform kills no process that still stops within the limits of internal/life.
func TestGracePeriod(t *testing.T) {
	all := rendered(t)
	for _, name := range processes() {
		settings := find(t, all, "ConfigMap", name).Data
		limit := func(setting string) time.Duration {
			value, ok := settings[setting]
			if !ok {
				value = settingsOf(t, name)[setting].value
			}
			d, err := time.ParseDuration(value)
			if err != nil {
				t.Fatalf("%s: %s=%q: %v", name, setting, value, err)
			}
			return d
		}
		// The stages of internal/life/stop.go: the drain and the servers, six steps, and a second for each that
		// has to be left behind.
		const steps, stages = 6, 8
		most := limit("DCR_DRAIN_DELAY") + limit("DCR_GRACE_LIMIT") + steps*limit("DCR_STOP_STEP_LIMIT") + stages*time.Second
		grace := time.Duration(find(t, all, "Deployment", name).Spec.Template.Spec.TerminationGracePeriodSeconds) * time.Second
		if grace <= most {
			t.Errorf("%s may take %v to stop, and gets %v", name, most, grace)
		}
	}
}

// TestBaseHoldsNoPlaceAndNoSecret: namespaces and secrets are an overlay's.
func TestBaseHoldsNoPlaceAndNoSecret(t *testing.T) {
	kinds := map[string]int{}
	for _, m := range rendered(t) {
		kinds[m.Kind]++
		if m.Metadata.Namespace != "" {
			t.Errorf("%s %s is in namespace %s", m.Kind, m.Metadata.Name, m.Metadata.Namespace)
		}
	}
	want := map[string]int{"ConfigMap": 5, "CronJob": 1, "Deployment": 5, "Job": 4, "NetworkPolicy": 9, "PodDisruptionBudget": 5, "Service": 5}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Error(diff)
	}
}
