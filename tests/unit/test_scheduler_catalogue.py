"""Which jobs the console shows."""

import sys
from pathlib import Path

import pytest

from app.common.errors import Unavailable
from app.jobs.registry import JobRegistry
from app.scheduler.catalogue import JobCatalogue

JOBS = '''
from app.jobs.registry import job

@job("catalogue_second")
async def second() -> None:
    """Does the second thing."""

@job("catalogue_first")
def first() -> None: ...
'''


@pytest.fixture(autouse=True)
def own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = JobRegistry()
    monkeypatch.setattr("app.jobs.registry.default_registry", registry)
    monkeypatch.setattr("app.jobs.loading.default_registry", registry)


async def test_jobs_are_found_by_loading_their_modules_and_listed_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "catalogue_jobs.py").write_text(JOBS)
    monkeypatch.syspath_prepend(tmp_path)
    jobs = await JobCatalogue(["catalogue_jobs"]).list_all()
    assert [found.name for found in jobs] == ["catalogue_first", "catalogue_second"]


async def test_nothing_is_imported_before_somebody_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "catalogue_lazy.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    JobCatalogue(["catalogue_lazy"])
    assert "catalogue_lazy" not in sys.modules


async def test_a_module_that_can_t_be_imported_is_named() -> None:
    with pytest.raises(Unavailable, match="no_such_module"):
        await JobCatalogue(["no_such_module"]).list_all()
