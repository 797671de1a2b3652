"""Job modules are loaded by name, with everything below them."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from app.common.errors import ConflictError, StartupError
from app.jobs.loading import load_job_modules
from app.jobs.registry import JobRegistry

Write = Callable[[str, str], None]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Writes a module below a folder that can be imported from."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(name: str, text: str) -> None:
        path = tmp_path / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    yield write
    for name in set(sys.modules) - before:
        if name.startswith("house_of_jobs"):
            del sys.modules[name]


def job_named(name: str) -> str:
    return f"from app.xxl_job import job\n\n\n@job({name!r})\ndef it():\n    return {name!r}\n"


def test_a_package_is_loaded_with_everything_below_it(write: Write) -> None:
    write("house_of_jobs_a/__init__", "")
    write("house_of_jobs_a/first", job_named("a.first"))
    write("house_of_jobs_a/cellar/__init__", job_named("a.cellar"))
    write("house_of_jobs_a/cellar/deep", job_named("a.deep"))
    write("house_of_jobs_a/__main__", "raise SystemExit('must not run')")

    assert {"a.first", "a.cellar", "a.deep"} <= set(load_job_modules(["house_of_jobs_a"]).names())


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import nothing_like_this", "ModuleNotFoundError: No module named 'nothing_like_this'"),
        ("def broken(:", "SyntaxError"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("from app.xxl_job import job\n\n\n@job('b')\ndef two(ctx, other): ...\n", "must take the context or nothing"),
    ],
)
def test_a_module_that_fails_is_named_with_the_reason(write: Write, text: str, reason: str) -> None:
    write("house_of_jobs_b/__init__", "")
    write("house_of_jobs_b/broken", text)
    with pytest.raises(StartupError) as caught:
        load_job_modules(["house_of_jobs_b"])
    assert "house_of_jobs_b.broken" in caught.value.message
    assert reason in caught.value.message


def test_a_package_that_is_not_there_is_named() -> None:
    with pytest.raises(StartupError, match="job module house_of_nobody can't be imported"):
        load_job_modules(["house_of_nobody"])


def test_every_module_is_offered_for_adoption(write: Write) -> None:
    write("house_of_jobs_c/__init__", "")
    write("house_of_jobs_c/stock", "")
    offered: list[str] = []

    def adopt(module: ModuleType, registry: JobRegistry) -> None:
        offered.append(module.__name__)

    load_job_modules(["house_of_jobs_c"], adopt=adopt)
    assert offered == ["house_of_jobs_c", "house_of_jobs_c.stock"]


def test_handlers_that_can_t_be_adopted_name_their_module(write: Write) -> None:
    write("house_of_jobs_d/__init__", "")

    def adopt(module: ModuleType, registry: JobRegistry) -> None:
        raise ConflictError("two jobs are named 'it': a.it and b.it")

    with pytest.raises(StartupError, match=r"handlers of house_of_jobs_d can't be adopted: two jobs are named 'it'"):
        load_job_modules(["house_of_jobs_d"], adopt=adopt)
