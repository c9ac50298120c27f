#!/usr/bin/env bash
# Renders k8s/base and checks it against the committed schemas, and sees that the schemas refuse what is wrong.
# Needs .tools/bin/kustomize and .tools/bin/kubeconform (make manifests builds them) and no network.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=.tools/bin
for tool in kustomize kubeconform; do
  [ -x "$bin/$tool" ] || { echo "$bin/$tool is missing: run make $bin/$tool"; exit 1; }
done
check() { "$bin/kubeconform" -strict -schema-location 'k8s/schemas/{{.ResourceKind}}{{.KindSuffix}}.json' "$@"; }

# A check that looks at nothing, or accepts everything, would pass too.
rendered=$("$bin/kustomize" build k8s/base)
wanted=$(grep -c '^kind: ' <<< "$rendered")
summary=$(check -summary <<< "$rendered") || { echo "$summary"; exit 1; }
echo "$summary"
grep -q "Valid: $wanted, Invalid: 0, Errors: 0, Skipped: 0" <<< "$summary" || { echo "$wanted resources were rendered"; exit 1; }
for wrong in k8s/schemas/wrong/*.yaml; do
  if check "$wrong" > /dev/null; then
    echo "$wrong was accepted: the schemas do not check what they should"
    exit 1
  fi
done
echo "$(find k8s/schemas/wrong -name '*.yaml' | wc -l) wrong manifests were refused"
