#!/usr/bin/env bash
# What a fork does first: on a copy, removes the demo (its folder, its tests, its FEATURES entry); the rest stays green.
# Lint and the unit tests by default; FORK_CHECK=full runs all tests.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

root=$PWD
copy=$(mktemp -d "${TMPDIR:-/tmp}/fork-check-XXXXXX")
trap 'rm -rf "$copy"' EXIT

echo "fork-check: a copy without the demo"
git ls-files -z --cached --others --exclude-standard | while IFS= read -r -d '' file; do
  if [ -f "$file" ]; then
    printf '%s\0' "$file"
  fi
done | tar --null -cf - -T - | tar -xf - -C "$copy"
if [ -d .mypy_cache ]; then
  cp -R .mypy_cache "$copy"
fi
ln -s "$root/.venv" "$copy/.venv"

cd "$copy"
rm -rf app/demo_business
find tests -name 'test_demo_*' -prune -exec rm -rf {} +
.venv/bin/python scripts/remove_feature.py app/bootstrap.py demo_business
if grep -rn demo_business app tests --include='*.py'; then
  echo "fork-check: the lines above still name the demo" >&2
  exit 1
fi
git init -q . && git add -A

tests=tests/unit
if [ "${FORK_CHECK:-}" = full ]; then
  tests="tests/unit tests/integration tests/acceptance"
fi
unset MAKEFLAGS MAKELEVEL
make lint
make test TESTS="$tests" PYTEST_ARGS="--no-cov -q"
echo "fork-check: green without the demo"
