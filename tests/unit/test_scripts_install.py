"""scripts/install.sh on machines that this one is not, played by stub programs on PATH."""

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
TOOLS = ("bash", "env", "dirname", "cmp", "cp", "rm", "grep", "head", "awk", "mkdir", "chmod", "cat")

PYTHON_312 = """case "$*" in
  *sys.exit*) exit 0 ;;
  *--version*) echo "Python 3.12.1" ;;
  *"pip config list"*) cat "$PIP_SETTINGS" ;;
  *"-m venv"*) mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
esac
echo "python $*" >> "$CALLS"
"""
PYTHON_39 = """case "$*" in
  *sys.exit*) exit 1 ;;
  *--version*) echo "Python 3.9.2" ;;
esac
"""
PYTHON_WITHOUT_VENV = """case "$*" in
  *ensurepip*) exit 1 ;;
  *"print("*) echo "3.12" ;;
  *--version*) echo "Python 3.12.1" ;;
esac
"""
UV = """case "$*" in
  venv*) mkdir -p .venv/bin && cp "$(command -v python3)" .venv/bin/python ;;
  "python find"*) exit 2 ;;
esac
echo "uv $* index=${UV_DEFAULT_INDEX:-} certificate=${SSL_CERT_FILE:-}" >> "$CALLS"
"""
UV_SHIM_WITHOUT_UV = "exit 127"


class Machine:
    """A checkout with the install script and a PATH of its own."""

    def __init__(self, home: Path) -> None:
        self.checkout, self.bin, self.calls = home / "checkout", home / "bin", home / "calls"
        self.pip_settings = home / "pip-settings"
        (self.checkout / "scripts").mkdir(parents=True)
        self.bin.mkdir()
        self.calls.touch()
        self.pip_settings.touch()
        for name in ("install.sh", "pip_index.sh"):
            shutil.copy(SCRIPTS / name, self.checkout / "scripts" / name)
        (self.checkout / "requirements-dev.txt").write_text("loguru==0.7.3\n")
        for tool in TOOLS:
            (self.bin / tool).symlink_to(shutil.which(tool) or tool)

    def has(self, program: str, script: str) -> None:
        path = self.bin / program
        path.write_text(f"#!/bin/bash\n{script}")
        path.chmod(0o755)

    def install(self, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "scripts/install.sh"],
            cwd=self.checkout,
            env={"PATH": str(self.bin), "CALLS": str(self.calls), "PIP_SETTINGS": str(self.pip_settings), **env},
            capture_output=True,
            text=True,
            check=False,
        )

    def was_called(self) -> str:
        return self.calls.read_text()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_uv_installs_where_it_is_present(machine: Machine) -> None:
    machine.has("python3", PYTHON_312)
    machine.has("uv", UV)

    done = machine.install()

    assert done.returncode == 0, done.stderr
    assert "uv pip sync --quiet --compile-bytecode" in machine.was_called()
    assert "-m pip install" not in machine.was_called()


def test_a_second_install_does_nothing(machine: Machine) -> None:
    machine.has("python3", PYTHON_312)
    machine.has("uv", UV)
    machine.install()
    machine.calls.write_text("")

    done = machine.install()

    assert (done.returncode, done.stdout) == (0, "")
    assert "uv" not in machine.was_called()


def test_changed_requirements_are_installed_into_the_same_environment(machine: Machine) -> None:
    machine.has("python3", PYTHON_312)
    machine.has("uv", UV)
    machine.install()
    machine.calls.write_text("")
    (machine.checkout / "requirements-dev.txt").write_text("loguru==0.7.4\n")

    machine.install()

    assert "uv pip sync" in machine.was_called()
    assert "uv venv" not in machine.was_called()


@pytest.mark.parametrize("uv", [None, UV_SHIM_WITHOUT_UV])
def test_pip_installs_where_uv_is_absent_or_only_a_shim(machine: Machine, uv: str | None) -> None:
    machine.has("python3", PYTHON_312)
    if uv is not None:
        machine.has("uv", uv)

    done = machine.install()

    assert done.returncode == 0, done.stderr
    assert "-m pip install --quiet --disable-pip-version-check --requirement requirements-dev.txt" in (
        machine.was_called()
    )


@pytest.mark.parametrize(
    ("settings", "index"),
    [
        ("global.index-url='http://mirror.example/simple'", "http://mirror.example/simple"),
        (
            "global.index-url='http://mirror.example/simple'\n:env:.index-url='http://env.example/simple'",
            "http://env.example/simple",
        ),
    ],
)
def test_uv_uses_the_index_that_pip_is_configured_with(machine: Machine, settings: str, index: str) -> None:
    machine.has("python3", PYTHON_312)
    machine.has("uv", UV)
    machine.pip_settings.write_text(f"{settings}\nglobal.cert='/etc/company.pem'\n")

    machine.install()

    assert f"index={index} certificate=/etc/company.pem" in machine.was_called()


def test_an_index_named_for_uv_wins_over_pips(machine: Machine) -> None:
    machine.has("python3", PYTHON_312)
    machine.has("uv", UV)
    machine.pip_settings.write_text("global.index-url='http://mirror.example/simple'\n")

    machine.install(UV_DEFAULT_INDEX="http://uv.example/simple")

    assert "index=http://uv.example/simple" in machine.was_called()


def test_a_newer_python_beside_an_old_python3_is_taken(machine: Machine) -> None:
    machine.has("python3", PYTHON_39)
    machine.has("python3.12", PYTHON_312)

    done = machine.install()

    assert done.returncode == 0, done.stderr
    assert "Python 3.12.1" in done.stdout


@pytest.mark.parametrize("uv", [None, UV])
def test_a_wrong_python_gives_one_line_with_the_fix(machine: Machine, uv: str | None) -> None:
    machine.has("python3", PYTHON_39)
    if uv is not None:
        machine.has("uv", uv)

    done = machine.install()

    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "python3 is Python 3.9.2. Fix: install one" in done.stderr


def test_no_python_at_all_gives_one_line_with_the_fix(machine: Machine) -> None:
    done = machine.install()

    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "Fix: install one" in done.stderr


def test_a_missing_venv_module_gives_one_line_with_the_fix(machine: Machine) -> None:
    machine.has("python3", PYTHON_WITHOUT_VENV)

    done = machine.install()

    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "has no venv module. Fix: apt-get install python3.12-venv" in done.stderr


def test_an_interrupted_install_is_taken_up_again(machine: Machine) -> None:
    machine.has("python3", PYTHON_312)
    machine.has("uv", UV.replace("venv*)", '"pip sync"*) exit 1 ;;\n  venv*)'))
    assert machine.install().returncode == 1
    machine.has("uv", UV)

    assert machine.install().returncode == 0
    assert (machine.checkout / ".venv" / ".requirements-installed").exists()
