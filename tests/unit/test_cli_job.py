"""`python -m app job …` as a person types it, against a console that answers what is written down."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from app.cli.main import main
from app.config.tokens import OPS_TOKEN, ensure_local_token
from support.stub_console import RUN, StubConsole, open_stub_console, page

Command = Callable[..., tuple[int, str, str]]
NO_EXECUTOR = {"code": "NO_EXECUTOR", "message": "No executor has registered: start it with `make run`"}
SUCCESS = RUN | {"state": "success", "handle_code": 200, "handle_message": "3 rows"}
FAILED = RUN | {"state": "failed", "handle_code": 500, "handle_message": "ValueError: boom"}


@pytest.fixture
def console() -> Iterator[StubConsole]:
    with open_stub_console() as stub:
        yield stub


@pytest.fixture
def command(
    console: StubConsole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """Runs the command line with settings that name the stub's port; returns exit code, output and error output."""
    (tmp_path / "config_local.yaml").write_text(f"server: {{port: {console.port}}}\n")
    paths = {"CONFIG_DIR": tmp_path, "DATA_DIR": tmp_path / "data", "XXL_LOG_PATH": tmp_path / "xxl_log"}
    for name, value in {**paths, "APP_ENV": "local"}.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.setattr("app.cli.job.POLL_SECONDS", 0.0)

    def run(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["job", *arguments])
        said = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, said.out, said.err

    return run


def play_run(console: StubConsole, *pages: dict[str, Any], ending: dict[str, Any]) -> None:
    """A trigger, the log's pages (each asked for where the former ended), and the ending."""
    console.answer("POST /jobs/report/trigger", (201, RUN))
    console.answer("GET /runs/7", (200, ending))
    for one in pages:
        console.answer(f"GET /runs/7/log?from_line={one['from_line']}", (200, one))


def test_a_run_shows_its_log_and_exits_0_on_success(console: StubConsole, command: Command) -> None:
    play_run(console, page(1, "one\ntwo\n"), page(3, "three\n"), page(4, "", is_end=True), ending=SUCCESS)
    code, output, errors = command("run", "report")
    assert (code, output) == (0, "one\ntwo\nthree\n")
    assert errors.splitlines() == ["run 7 at http://127.0.0.1:9999", "success: 3 rows"]


def test_the_log_is_polled_while_it_grows(console: StubConsole, command: Command) -> None:
    play_run(console, page(2, "", is_end=True), ending=SUCCESS)
    console.answer("GET /runs/7/log?from_line=1", (200, page(1, "")), (200, page(1, "")), (200, page(1, "late\n")))
    assert command("run", "report")[:2] == (0, "late\n")


@pytest.mark.parametrize(
    ("ending", "last_line"),
    [
        (FAILED, "failed: ValueError: boom"),
        (RUN | {"state": "timeout", "handle_code": 502, "handle_message": ""}, "timeout"),
        (
            RUN | {"state": "failed", "trigger_code": 500, "trigger_message": "job handler [report] not found."},
            "failed: job handler [report] not found.",
        ),
    ],
)
def test_every_other_end_exits_1_and_says_why(
    console: StubConsole, command: Command, ending: dict[str, Any], last_line: str
) -> None:
    play_run(console, page(1, "", is_end=True), ending=ending)
    code, _, errors = command("run", "report")
    assert (code, errors.splitlines()[-1]) == (1, last_line)


def test_parameter_timeout_and_the_machine_s_token_are_sent(
    console: StubConsole, command: Command, tmp_path: Path
) -> None:
    play_run(console, page(1, "", is_end=True), ending=SUCCESS)
    command("run", "report", "--param", '{"year": 2026}', "--timeout", "60")
    (body,) = console.bodies
    assert (body["param"], body["timeout_seconds"]) == ('{"year": 2026}', 60)
    assert console.authorizations == {f"Bearer {ensure_local_token(tmp_path / 'data', OPS_TOKEN)}"}


def test_a_configured_ops_token_is_the_one_that_is_sent(console: StubConsole, command: Command, tmp_path: Path) -> None:
    (tmp_path / "config_local.yaml").write_text(f"server: {{port: {console.port}, ops_token: t0p-own}}\n")
    console.answer("GET /jobs", (200, []))
    command("list")
    assert console.authorizations == {"Bearer t0p-own"}


def test_a_run_waits_for_an_executor_and_says_so_once(console: StubConsole, command: Command) -> None:
    play_run(console, page(1, "", is_end=True), ending=SUCCESS)
    console.answer("POST /jobs/report/trigger", (409, NO_EXECUTOR), (409, NO_EXECUTOR), (201, RUN))
    code, _, errors = command("run", "report")
    assert code == 0
    assert errors.count("waiting up to 30 s for an executor to register") == 1


def test_without_an_executor_the_fix_is_named(console: StubConsole, command: Command) -> None:
    console.answer("POST /jobs/report/trigger", (409, NO_EXECUTOR))
    assert command("run", "report", "--wait", "0") == (1, "", f"{NO_EXECUTOR['message']}\n")


def test_a_refused_trigger_is_not_tried_again(console: StubConsole, command: Command) -> None:
    console.answer("POST /jobs/report/trigger", (503, {"code": "UNAVAILABLE", "message": "shutting down"}))
    assert command("run", "report") == (1, "", "shutting down\n")
    assert console.seen == ["POST /jobs/report/trigger"]


def test_a_log_that_can_t_be_read_for_a_moment_is_asked_for_again(console: StubConsole, command: Command) -> None:
    console.answer("POST /jobs/report/trigger", (201, RUN))
    console.answer("GET /runs/7", (200, RUN), (200, SUCCESS))
    failure = (502, {"code": "UPSTREAM_FAILED", "message": "the executor is busy"})
    console.answer("GET /runs/7/log?from_line=1", failure, (200, page(1, "one\n")))
    console.answer("GET /runs/7/log?from_line=2", (200, page(2, "", is_end=True)))
    assert command("run", "report")[:2] == (0, "one\n")


def test_an_unreadable_log_does_not_hide_the_outcome(console: StubConsole, command: Command) -> None:
    play_run(console, ending=SUCCESS)
    console.answer("GET /runs/7/log?from_line=1", (502, {"code": "UPSTREAM_FAILED", "message": "the log is gone"}))
    code, _, errors = command("run", "report")
    assert (code, errors.splitlines()[1:]) == (0, ["the log is gone", "success: 3 rows"])


def test_a_run_without_an_outcome_in_time_exits_1_and_says_how_to_look_later(
    console: StubConsole, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.cli.job.GRACE_SECONDS", -1.0)
    play_run(console, page(1, ""), ending=RUN)
    code, _, errors = command("run", "report", "--timeout", "1")
    assert (code, errors.splitlines()[-1]) == (1, "no outcome came in time; see later: python -m app job log 7")


def test_a_name_with_odd_characters_reaches_the_console_whole(console: StubConsole, command: Command) -> None:
    command("run", "a b?c")
    assert console.seen == ["POST /jobs/a%20b%3Fc/trigger"]


def test_log_shows_every_page(console: StubConsole, command: Command) -> None:
    for one in (page(1, "one\ntwo\n"), page(3, "three\n"), page(4, "")):
        console.answer(f"GET /runs/7/log?from_line={one['from_line']}", (200, one))
    assert command("log", "7") == (0, "one\ntwo\nthree\n", "")


def test_the_log_of_an_unknown_run_is_one_line(console: StubConsole, command: Command) -> None:
    missing = (404, {"code": "NOT_FOUND", "message": "there is no run 7"})
    console.answer("GET /runs/7/log?from_line=1", missing)
    assert command("log", "7") == (1, "", "there is no run 7\n")


def test_list_shows_a_line_a_job(console: StubConsole, command: Command) -> None:
    job = {"job_id": 1, "args_schema": None}
    long = job | {"name": "nightly_report", "origin": "app.demo.jobs.nightly", "description": "Writes the report."}
    bare = job | {"name": "tidy", "origin": "app.demo.jobs.tidy", "description": ""}
    console.answer("GET /jobs", (200, [long, bare]))
    assert command("list") == (0, "nightly_report  Writes the report.\ntidy            app.demo.jobs.tidy\n", "")


@pytest.mark.parametrize(
    "arguments",
    [("run",), ("log", "seven"), ("run", "report", "--timeout", "0"), ("list", "--colour"), ("fly",)],
)
def test_wrong_usage_exits_2_in_plain_words(command: Command, arguments: tuple[str, ...]) -> None:
    code, output, errors = command(*arguments)
    assert (code, output) == (2, "")
    assert errors.startswith("Usage: python -m app job")
    assert "╭" not in errors
