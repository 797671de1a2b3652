#!/usr/bin/env bash
# Builds the servers that stand in for Nacos and the XXL-JOB console in tests, once, outside the checkout.
set -euo pipefail

ROOT=${TENON_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tenon}/servers
SERVERS="rnacos@0.8.8 ratchjob@0.3.1"

# A light profile: a third of the release build's time, and fast enough for tests.
export CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_LTO=off
export CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_DEBUG=0

installed() { # name@version, by cargo's own record of what it put there
  [ -x "$ROOT/bin/${1%@*}" ] && grep -qs "^\"${1%@*} ${1#*@} " "$ROOT/.crates.toml"
}

missing=""
for server in $SERVERS; do
  installed "$server" || missing+=" $server"
done
if [ -z "$missing" ]; then
  echo "servers: ready in $ROOT/bin ($SERVERS)"
  exit 0
fi

command -v cargo >/dev/null || {
  echo "servers: cargo is needed to build$missing. Fix: install Rust (apt-get install cargo, brew install rust, or rustup), then make servers; or start Docker, whose images the tests use instead" >&2
  exit 1
}

mkdir -p "$ROOT"
if command -v flock >/dev/null; then
  exec 9>"$ROOT/.lock"
  flock 9
fi
# Kept until both are installed: an interrupted build goes on where it stopped.
export CARGO_TARGET_DIR=$ROOT/target
for server in $missing; do
  installed "$server" && continue
  echo "servers: building $server, some minutes"
  cargo install --quiet --locked --root "$ROOT" "$server"
done
rm -rf "$CARGO_TARGET_DIR"
echo "servers: ready in $ROOT/bin ($SERVERS)"
