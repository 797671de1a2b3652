#!/usr/bin/env bash
# Makes .venv ready, bytecode compiled; does nothing when it already is. PYTHON=/path picks the interpreter.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

REQUIREMENTS=requirements-dev.txt
VENV_PYTHON=.venv/bin/python
STAMP=.venv/.requirements-installed
# shellcheck source=scripts/pip_index.sh
. scripts/pip_index.sh

fail() {
  printf 'install: %s\n' "$*" >&2
  exit 1
}

supported() {
  "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' >/dev/null 2>&1
}

up_to_date() {
  cmp -s "$REQUIREMENTS" "$STAMP" && supported "$VENV_PYTHON"
}

find_python() {
  local candidate
  for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
    if supported "$candidate"; then
      command -v "$candidate"
      return
    fi
  done
  if [ -z "${PYTHON:-}" ] && have_uv; then
    candidate=$(uv python find --no-python-downloads '>=3.11,<3.14' 2>/dev/null || true)
    ! supported "$candidate" || echo "$candidate"
  fi
}

have_uv() {
  # A version manager's shim may stand on PATH for a uv that is not there.
  command -v uv >/dev/null && uv --version >/dev/null 2>&1
}

install_with_uv() {
  index_from_pip "$1"
  supported "$VENV_PYTHON" || uv venv --quiet --clear --python "$1" .venv
  uv pip sync --quiet --compile-bytecode --python "$VENV_PYTHON" "$REQUIREMENTS"
}

install_with_pip() {
  "$1" -c 'import venv, ensurepip' 2>/dev/null ||
    fail "$1 has no venv module. Fix: apt-get install python$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv (or: pip install uv)"
  "$VENV_PYTHON" -m pip --version >/dev/null 2>&1 && supported "$VENV_PYTHON" || "$1" -m venv --clear .venv
  "$VENV_PYTHON" -m pip install --quiet --disable-pip-version-check --requirement "$REQUIREMENTS"
}

! up_to_date || exit 0

python=$(find_python)
[ -n "$python" ] ||
  fail "Python 3.11, 3.12 or 3.13 is needed, ${PYTHON:-python3} is $("${PYTHON:-python3}" --version 2>&1 | head -n 1). Fix: install one (apt-get install python3.11, brew install python@3.12, uv python install 3.12) or name it: PYTHON=/path/to/python3.12 make install"

rm -f "$STAMP"
if have_uv; then
  echo "install: .venv with uv and $("$python" --version)"
  install_with_uv "$python"
else
  echo "install: .venv with pip and $("$python" --version) (a minute or two; uv is several times faster)"
  install_with_pip "$python"
fi
if [ -d app ]; then
  "$VENV_PYTHON" -m compileall -q app
fi
cp "$REQUIREMENTS" "$STAMP"
