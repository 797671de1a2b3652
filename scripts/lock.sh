#!/usr/bin/env bash
# Exports pyproject.toml to the pinned requirements files. Pins stay unless asked: scripts/lock.sh --upgrade
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

command -v uv >/dev/null || {
  echo "lock: uv is needed. Fix: pip install uv" >&2
  exit 1
}

# shellcheck source=scripts/pip_index.sh
. scripts/pip_index.sh
index_from_pip python3

compile() { # output file, then what goes into it
  local output=$1
  shift
  uv pip compile --quiet --universal --python-version 3.11 --no-header --no-emit-index-url --annotation-style line "$@" pyproject.toml --output-file "$output" >/dev/null
  echo "lock: $output, $(grep -cE '^[a-z0-9]' "$output") packages"
}

compile requirements.txt --extra xxl "$@"
compile requirements-server.txt --constraint requirements.txt
compile requirements-dev.txt --extra xxl --group dev --constraint requirements.txt
