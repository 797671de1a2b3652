import queue
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from app.alerts.memory import MemoryAlertSender
from app.xxl_job.executor.isolation.failures import WorkerUnfit
from app.xxl_job.executor.isolation.messages import pack_opening, pack_run
from app.xxl_job.executor.isolation.settings_transfer import pack_settings
from app.xxl_job.executor.isolation.worker import Worker, WorkerParts
from support.jobs_support import build_run
from support.raw_child import PACKAGES
from support.runtime import build_environment
from support.snapshots import snapshot_of


class FixedSettings:
    """Stands for SettingsFrames, with a snapshot of its own."""

    def __init__(self, text: str) -> None:
        self.snapshot = snapshot_of(text)
        self.frame_of = pack_settings


class Told(queue.Queue[Any]):
    def ready(self, worker: Worker) -> None:
        self.put("ready")

    def gone(self, worker: Worker, refusal: str | None) -> None:
        self.put(("gone", refusal))


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def worker(tmp_path: Path, told: Told) -> Iterator[Worker]:
    settings: Any = FixedSettings("shop: {limit: 3}\n")
    opening = partial(pack_opening, build_environment(tmp_path, "test"), "executor-a-0", PACKAGES)
    worker = Worker(WorkerParts(opening, settings, MemoryAlertSender(), grace_seconds=3.0), told)
    worker.thread.start()
    yield worker
    worker.close()
    worker.thread.join(10)
    assert not worker.thread.is_alive()


def execute(worker: Worker, handler: str) -> Any:
    request = pack_run(build_run(handler=handler))
    return worker.execute(request, live=False, is_stopped=lambda: False)


def test_a_worker_is_ready_once_and_runs_one_after_the_other(worker: Worker, told: Told) -> None:
    assert told.get(timeout=30) == "ready"
    assert [execute(worker, "iso_async")["text"] for _ in range(3)] == ["async 1"] * 3
    assert told.empty()


def test_a_worker_whose_child_is_dead_takes_no_run(worker: Worker, told: Told) -> None:
    told.get(timeout=30)
    worker.kill()
    assert told.get(timeout=10) == ("gone", None)
    with pytest.raises(WorkerUnfit):
        execute(worker, "iso_noop")


def test_a_run_that_was_stopped_before_it_reached_the_child_is_stopped_there(worker: Worker, told: Told) -> None:
    told.get(timeout=30)
    request = pack_run(build_run(handler="iso_polite"))
    frame = worker.execute(request, live=False, is_stopped=lambda: True)
    assert (frame["failure"], frame["text"]) == (None, "")
    assert execute(worker, "iso_async")["text"] == "async 1"


def test_a_child_that_is_told_to_close_goes_by_itself(worker: Worker, told: Told) -> None:
    told.get(timeout=30)
    worker.close()
    assert told.get(timeout=10) == ("gone", None)
