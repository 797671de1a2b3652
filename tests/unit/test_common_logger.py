"""The log as the process sees it: configured, changed live, closed."""

import asyncio
import json
import logging
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from app.common import access_log
from app.common.context import bound
from app.common.logger import LogHandle, LogOptions, configure_logging, log
from app.common.metrics import LOG_LINES_DROPPED
from app.common.redaction import forget_secrets, register_secret


class Logging:
    """Configured logging into a temporary folder."""

    def __init__(self, folder: Path) -> None:
        self.options = LogOptions(instance="web-h-0", log_path=folder, env="prod", service="shop", console=False)
        self.handle: LogHandle | None = None

    def start(self, *, seams: dict[str, Any] | None = None, **changes: Any) -> "Logging":
        self.options = replace(self.options, **changes)
        self.handle = configure_logging(self.options, **(seams or {}))
        return self

    def change(self, **changes: Any) -> None:
        assert self.handle is not None
        self.options = replace(self.options, **changes)
        self.handle.update(self.options)

    def text(self) -> str:
        assert self.handle is not None
        assert self.handle.flush()
        return "".join(path.read_text() for path in sorted(self.options.log_path.rglob("*.log")))

    def messages(self) -> list[str]:
        return [line.split("] ")[-1] for line in self.text().splitlines() if line.startswith("[")]


@pytest.fixture
def logs(tmp_path: Path) -> Iterator[Logging]:
    logs = Logging(tmp_path / "log")
    yield logs
    if logs.handle is not None:
        logs.handle.close()


def test_lines_stand_in_the_daily_file_of_the_instance(logs: Logging) -> None:
    logs.start()
    log.bind(job_id=1).info("run finished")
    line = logs.text()
    path = logs.options.log_path / line[1:11] / "web-h-0.log"
    assert path.read_text() == line
    where = f"[{__name__}:test_lines_stand_in_the_daily_file_of_the_instance:"
    assert where in line
    assert line.endswith("] run finished job_id=1\n")


def test_json_lines_say_who_wrote_them(logs: Logging) -> None:
    logs.start(format="json")
    with bound("trace-1"):
        log.bind(job_id=1).warning("odd {}", "thing")
    line = json.loads(logs.text())
    assert {key: line[key] for key in ("level", "trace_id", "message", "service", "env", "instance", "fields")} == {
        "level": "WARNING",
        "trace_id": "trace-1",
        "message": "odd thing",
        "service": "shop",
        "env": "prod",
        "instance": "web-h-0",
        "fields": {"job_id": 1},
    }


def test_the_level_changes_live(logs: Logging) -> None:
    logs.start()
    log.debug("hidden")
    logs.change(level="DEBUG")
    log.debug("seen")
    logs.change(level="ERROR")
    log.warning("hidden again")
    assert logs.messages() == ["seen"]


def test_levels_by_module_change_live(logs: Logging) -> None:
    logs.start(levels={__name__: "ERROR"})
    log.warning("hidden")
    logs.change(levels={__name__: "DEBUG"})
    log.debug("seen")
    logs.change(levels={__name__.rpartition(".")[0]: "ERROR"})
    log.warning("hidden again")
    assert logs.messages() == ["seen"]


def test_a_change_loses_and_doubles_no_line(logs: Logging) -> None:
    logs.start()
    stop = threading.Event()
    count = 0

    def keep_logging() -> None:
        nonlocal count
        while not stop.is_set():
            log.info("line")
            count += 1

    thread = threading.Thread(target=keep_logging)
    thread.start()
    for number in range(15):
        logs.change(level="DEBUG" if number % 2 else "INFO")
    stop.set()
    thread.join()
    assert logs.messages() == ["line"] * count


def test_the_format_changes_live(logs: Logging) -> None:
    logs.start()
    log.info("one")
    logs.change(format="json")
    log.info("two")
    first, second = logs.text().splitlines()
    assert first.endswith("] one")
    assert json.loads(second)["message"] == "two"


def test_the_console_changes_live(logs: Logging, capfd: pytest.CaptureFixture[str]) -> None:
    logs.start()
    log.info("one")
    logs.text()
    logs.change(console=True)
    log.info("two")
    logs.text()
    logs.change(console=False)
    log.info("three")
    logs.text()
    assert [line.split("] ")[-1] for line in capfd.readouterr().out.splitlines()] == ["two"]


def test_stdlib_lines_stand_among_the_others_with_the_trace(logs: Logging) -> None:
    logs.start()
    with bound("trace-1"):
        logging.getLogger("some.library").warning("from %s", "there")
    line = logs.text()
    assert "[WARNING] [trace-1] [MainThread]" in line
    assert line.endswith("] from there logger=some.library\n")


def test_levels_count_for_the_name_of_the_stdlib_logger(logs: Logging) -> None:
    logs.start(levels={"some.library": "ERROR", "other": "DEBUG"})
    logging.getLogger("some.library.part").warning("hidden")
    logging.getLogger("other.part").debug("seen")
    assert logs.messages() == ["seen logger=other.part"]


def test_the_access_line_stands_in_the_same_file(logs: Logging) -> None:
    logs.start()
    log.info("before")
    access_log.current.log.write(
        method="GET", route="/a/{id}", status=200, duration_ms=1.5, client="1.2.3.4", trace_id="t"
    )
    log.info("after")
    assert logs.messages() == [
        "before",
        "request served method=GET route=/a/{id} status=200 duration_ms=1.500 client=1.2.3.4",
        "after",
    ]


def test_the_access_line_obeys_the_level_of_access(logs: Logging) -> None:
    logs.start(levels={"access": "WARNING"})
    access_log.current.log.write(method="GET", route="/a", status=200, duration_ms=1, client="-", trace_id="t")
    assert logs.text() == ""


@pytest.mark.parametrize("format_", ["text", "json"])
@pytest.mark.parametrize("local", [True, False])
def test_a_registered_secret_never_gets_into_a_line(logs: Logging, format_: str, local: bool) -> None:
    secret = "".join(["s3cr", "3t-value"])
    register_secret(secret)
    logs.start(format=format_, local=local)
    try:
        {}[secret]  # type: ignore[index]
    except KeyError:
        log.bind(given=secret, deep=[secret]).exception("call with {} failed", secret)
    text = logs.text()
    forget_secrets([secret])
    assert "KeyError" in text
    assert "s3cr3t" not in text
    assert text.count("******") >= 4


@pytest.mark.parametrize(("local", "shown"), [(True, True), (False, False)])
def test_tracebacks_show_values_of_variables_only_locally(logs: Logging, local: bool, shown: bool) -> None:
    logs.start(local=local)
    divisor, dividend = 0, 424_242
    try:
        assert dividend / divisor
    except ZeroDivisionError:
        log.exception("failed")
    text = logs.text()
    assert "ZeroDivisionError: division by zero" in text
    assert ("424242" in text) is shown


def test_traces_do_not_leak_between_threads_and_tasks(logs: Logging) -> None:
    logs.start(format="json")

    async def handle(trace: str) -> None:
        with bound(trace):
            for _ in range(3):
                await asyncio.sleep(0)
                log.bind(own=trace).info("in a task")
                await asyncio.to_thread(log.bind(own=trace).info, "in a thread of the task")

    async def serve() -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(5):
                group.create_task(handle(f"trace-{number}"))
        log.bind(own="-").info("after the tasks")

    asyncio.run(serve())
    with bound("trace-main"):
        thread = threading.Thread(target=log.bind(own="-").info, args=("in a thread of its own",))
        thread.start()
        thread.join()
    lines = [json.loads(line) for line in logs.text().splitlines()]
    assert len(lines) == 32
    assert [line["trace_id"] for line in lines] == [line["fields"]["own"] for line in lines]


def test_the_file_changes_at_midnight_and_the_former_day_is_kept(logs: Logging) -> None:
    moment = [datetime(2026, 1, 2, 23, 59, 59, tzinfo=UTC)]
    logs.start(seams={"now": lambda: moment[0]})
    log.info("one")
    logs.text()
    moment[0] = datetime(2026, 1, 3, 0, 0, 1, tzinfo=UTC)
    log.info("two")
    assert logs.messages() == ["one", "two"]
    folders = sorted(path.name for path in logs.options.log_path.iterdir())
    assert folders == ["2026-01-02", "2026-01-03"]


def test_a_full_disk_leaves_the_console_and_one_warning(logs: Logging, capfd: pytest.CaptureFixture[str]) -> None:
    logs.start(seams={"opener": lambda path: os.open("/dev/full", os.O_WRONLY)})
    for number in range(3):
        log.bind(number=number).info("line")
        assert logs.text() == ""
    out = capfd.readouterr().out
    assert out.count("[WARNING]") == 1
    assert "the log file can't be written" in out
    assert 'reason="No space left on device"' in out
    assert out.count("] line number=") == 3
    assert logs.handle is not None
    assert logs.handle.lines_dropped == LOG_LINES_DROPPED.value() == 0


def test_a_host_name_can_not_lead_out_of_the_folder(logs: Logging) -> None:
    logs.start(instance="web-../../evil-0")
    log.info("one")
    logs.text()
    assert [path.name for path in logs.options.log_path.rglob("*.log")] == ["web-.._.._evil-0.log"]


def test_without_a_file_nothing_is_created(logs: Logging) -> None:
    logs.start(file=False)
    log.info("one")
    assert logs.text() == ""
    assert not logs.options.log_path.exists()


def test_configuring_again_ends_the_former(logs: Logging, tmp_path: Path) -> None:
    logs.start()
    log.info("one")
    former = logs.text
    second = configure_logging(replace(logs.options, log_path=tmp_path / "second"))
    log.info("two")
    second.close()
    assert [line.split("] ")[-1] for line in former().splitlines()] == ["one"]
    assert [path.read_text().split("] ")[-1] for path in (tmp_path / "second").rglob("*.log")] == ["two\n"]


def test_before_and_after_configuration_lines_go_to_stderr(logs: Logging, capsys: pytest.CaptureFixture[str]) -> None:
    log.bind(password="x").warning("early")
    logs.start()
    log.info("meanwhile")
    assert logs.handle is not None
    logs.handle.close()
    log.warning("late")
    log.debug("below the level")
    lines = [line.split("] ")[-1] for line in capsys.readouterr().err.splitlines()]
    assert lines == ["early password=******", "late"]


def test_every_kind_of_value_can_be_logged(logs: Logging) -> None:
    class Broken:
        def __str__(self) -> str:
            raise RuntimeError("no")

    logs.start(format="json")
    values: list[Callable[[], object] | object] = [Broken(), b"x", {1: {2}}, float("inf"), Path("a"), None, 1 << 80]
    for value in values:
        log.bind(value=value).info("value")
    found = [json.loads(line)["fields"]["value"] for line in logs.text().splitlines()]
    assert found == ["<unprintable Broken>", "b'x'", {"1": [2]}, "inf", "a", None, 1 << 80]
