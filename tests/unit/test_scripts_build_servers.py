"""scripts/build_servers.sh builds what is missing, once."""

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "build_servers.sh"
TOOLS = ("bash", "grep", "mkdir", "rm", "chmod")
CARGO = """#!/bin/bash
echo "$*" >> "$CALLS"
[ "${CARGO_FAILS:-}" != "${!#}" ] || exit 101
while [ $# -gt 1 ]; do [ "$1" = --root ] && root=$2; shift; done
mkdir -p "$root/bin"
echo "#!/bin/bash" > "$root/bin/${1%@*}"
chmod +x "$root/bin/${1%@*}"
echo "\\"${1%@*} ${1#*@} (somewhere)\\" = []" >> "$root/.crates.toml"
"""


class Machine:
    def __init__(self, home: Path) -> None:
        self.home, self.bin, self.calls = home, home / "bin", home / "calls"
        self.bin.mkdir()
        self.calls.touch()
        for tool in TOOLS:
            (self.bin / tool).symlink_to(shutil.which(tool) or tool)

    def has_cargo(self) -> None:
        (self.bin / "cargo").write_text(CARGO)
        (self.bin / "cargo").chmod(0o755)

    def build(self, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", SCRIPT],
            env={"PATH": str(self.bin), "TENON_CACHE": str(self.home / "cache"), "CALLS": str(self.calls), **env},
            capture_output=True,
            text=True,
            check=False,
        )

    def built(self) -> list[str]:
        return [line.rsplit(" ", 1)[1] for line in self.calls.read_text().splitlines()]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_both_servers_are_built_into_the_cache(machine: Machine) -> None:
    machine.has_cargo()

    done = machine.build()

    assert done.returncode == 0, done.stderr
    assert machine.built() == ["rnacos@0.8.8", "ratchjob@0.3.1"]
    assert (machine.home / "cache" / "servers" / "bin" / "ratchjob").exists()


def test_a_second_call_builds_nothing_and_needs_no_cargo(machine: Machine) -> None:
    machine.has_cargo()
    machine.build()
    (machine.bin / "cargo").unlink()

    done = machine.build()

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("servers: ready")


def test_another_version_is_built_again(machine: Machine) -> None:
    machine.has_cargo()
    machine.build()
    record = machine.home / "cache" / "servers" / ".crates.toml"
    record.write_text(record.read_text().replace("rnacos 0.8.8", "rnacos 0.8.7"))
    machine.calls.write_text("")

    machine.build()

    assert machine.built() == ["rnacos@0.8.8"]


def test_a_failed_build_goes_on_where_it_stopped(machine: Machine) -> None:
    machine.has_cargo()
    assert machine.build(CARGO_FAILS="ratchjob@0.3.1").returncode == 101
    machine.calls.write_text("")

    assert machine.build().returncode == 0
    assert machine.built() == ["ratchjob@0.3.1"]


def test_without_cargo_one_line_says_how_to_get_it(machine: Machine) -> None:
    done = machine.build()

    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "cargo is needed to build rnacos@0.8.8 ratchjob@0.3.1. Fix: install Rust" in done.stderr
