"""`python -m app job runs` as a person types it, while the executors write."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from app.cli.main import main
from app.jobs.ledger.sqlite import SqliteRunLedger
from app.jobs.record import RunOutcome
from support.jobs_support import build_record
from support.ledgers import NOON, accepted, done, updated

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    monkeypatch.setenv("DATA_DIR", str(tmp_path))

    def run(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["job", "runs", *arguments])
        said = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, said.out, said.err

    return run


@pytest.fixture
def ledgers(tmp_path: Path) -> Iterator[list[SqliteRunLedger]]:
    opened = []
    for name in ("a-9999", "b-9999"):
        (tmp_path / "executor" / name).mkdir(parents=True)
        opened.append(SqliteRunLedger(tmp_path / "executor" / name / "runs.db"))
    yield opened
    for ledger in opened:
        ledger.close()


def play(ledger: SqliteRunLedger, log_id: int, outcome: RunOutcome | None, **fields: object) -> None:
    record = build_record(log_id, accepted_at=NOON + timedelta(seconds=log_id), **fields)
    accepted(ledger, record)
    if outcome is not None:
        updated(ledger, done(record, outcome, started_at=NOON - timedelta(seconds=1.25), message="3\nrows " * 30))


def test_runs_of_all_executors_are_listed_newest_first(ledgers: list[SqliteRunLedger], command: Command) -> None:
    play(ledgers[0], 1, RunOutcome.SUCCESS, handler="report", instance="a-9999")
    play(ledgers[1], 2, None, handler="tidy", instance="b-9999")
    code, output, errors = command()
    heading, newest, oldest = output.splitlines()
    assert (code, errors) == (0, "")
    assert heading.split("  ")[0] == "ACCEPTED"
    assert newest.split()[2:] == ["2", "4", "tidy", "accepted", "b-9999"]
    assert oldest.split()[2:12] == ["1", "4", "report", "success", "1.250", "s", "a-9999", "3", "rows", "3"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), [3, 2, 1]),
        (("--limit", "2"), [3, 2]),
        (("--handler", "tidy"), [2]),
        (("--outcome", "failed"), [3]),
    ],
)
def test_json_lines_carry_everything_and_fit_the_filters(
    ledgers: list[SqliteRunLedger], command: Command, options: tuple[str, ...], expected: list[int]
) -> None:
    play(ledgers[0], 1, RunOutcome.SUCCESS)
    play(ledgers[1], 2, None, handler="tidy")
    play(ledgers[0], 3, RunOutcome.FAILED)
    code, output, _ = command("--json", *options)
    assert code == 0
    assert [json.loads(line)["log_id"] for line in output.splitlines()] == expected


@pytest.mark.parametrize(("options", "said"), [((), "no runs yet"), (("--handler", "x"), "no run fits the filters")])
def test_a_ledger_without_such_runs_says_so(
    ledgers: list[SqliteRunLedger], command: Command, options: tuple[str, ...], said: str
) -> None:
    assert command(*options) == (0, "", f"{said}\n")


def test_a_folder_without_a_ledger_says_what_that_means(command: Command, tmp_path: Path) -> None:
    code, output, errors = command()
    assert (code, output) == (0, "")
    assert errors.startswith(f"no run ledger in {tmp_path}: no executor has run with this DATA_DIR")


@pytest.mark.parametrize("options", [("--outcome", "great"), ("--limit", "0")])
def test_wrong_usage_exits_2(command: Command, options: tuple[str, ...]) -> None:
    assert command(*options)[0] == 2
