"""The order of what surrounds a handler."""

import asyncio
from typing import Any

import pytest

from app.common.log_copy import copy_line
from app.jobs.chain import RunChain, build_chain
from app.jobs.links import Leave, Link
from app.jobs.record import RunOutcome
from app.jobs.result import RunResult, killed, succeeded
from app.jobs.run import Run
from app.jobs.run_log import MemoryRunLog
from support.jobs_support import build_run


class Witness:
    """Writes down what happens, in order."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def link(self, name: str) -> Link:
        def surround(run: Run) -> Leave:
            self.seen.append(f"{name} in")
            return lambda: self.seen.append(f"{name} out")

        return surround

    def observe(self, run: Run, result: RunResult) -> None:
        self.seen.append(f"told {result.outcome}")

    def started(self, run: Run) -> None:
        self.seen.append("started")

    def settled(self, run: Run) -> None:
        self.seen.append("settled")

    def ended(self, run: Run) -> None:
        self.seen.append("ended")


@pytest.fixture
def witness() -> Witness:
    return Witness()


def chain_of(witness: Witness, *names: str, observers: Any = None) -> RunChain:
    links = [witness.link(name) for name in names]
    return RunChain(links, observers or [witness.observe], witness, lambda _: MemoryRunLog())


def test_links_surround_the_body_outermost_first(witness: Witness) -> None:
    chain, run = chain_of(witness, "trace", "log"), build_run()
    with chain.around(run):
        witness.seen.append("body")
        chain.settle(run, succeeded("ok"))

    assert witness.seen == ["trace in", "log in", "body", "told success", "settled", "log out", "trace out"]


def test_what_the_body_raises_is_the_result_and_goes_no_further(witness: Witness) -> None:
    chain, run = chain_of(witness, "trace"), build_run()
    with chain.around(run):
        raise ValueError("no rows")

    assert run.result is not None
    assert (run.result.outcome, run.result.code, run.result.message) == (RunOutcome.FAILED, 500, "ValueError: no rows")
    assert witness.seen == ["trace in", "told failed", "settled", "trace out"]


def test_what_a_link_raises_is_the_result_too(witness: Witness) -> None:
    def broken(run: Run) -> None:
        raise OSError("no folder")

    run = build_run()
    with RunChain([broken], [witness.observe], witness, lambda _: MemoryRunLog()).around(run) as may_run:
        assert not may_run
    assert run.result is not None
    assert run.result.message == "OSError: no folder"


def test_the_first_result_stays(witness: Witness) -> None:
    chain, run = chain_of(witness), build_run()
    assert chain.settle(run, killed("by the console"))
    assert not chain.settle(run, succeeded("too late"))
    assert run.record.message == "by the console"
    assert witness.seen == ["told killed", "settled"]


def test_an_observer_that_fails_keeps_neither_the_others_nor_the_callback(witness: Witness) -> None:
    def broken(run: Run, result: RunResult) -> None:
        raise OSError("disk")

    chain, run = chain_of(witness, observers=[broken, witness.observe]), build_run()
    assert chain.settle(run, succeeded("ok"))
    assert witness.seen == ["told success", "settled"]


def test_a_link_that_cannot_be_left_keeps_no_other_from_being_left(witness: Witness) -> None:
    def stuck(run: Run) -> Leave:
        def leave() -> None:
            raise SystemExit(3)

        return leave

    chain, run = RunChain([witness.link("trace"), stuck], [], witness, lambda _: MemoryRunLog()), build_run()
    with chain.around(run):
        chain.settle(run, succeeded("ok"))
    assert witness.seen == ["trace in", "settled", "trace out"]
    assert run.record.message == "ok"


@pytest.mark.parametrize("left", [SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError(), GeneratorExit()])
def test_a_body_that_leaves_the_process_ends_its_run_only(witness: Witness, left: BaseException) -> None:
    chain, run = chain_of(witness), build_run()
    with chain.around(run):
        raise left
    assert run.record.outcome is RunOutcome.FAILED
    assert run.record.message.startswith(type(left).__name__)


def test_a_run_stopped_while_its_links_were_entered_does_not_run(witness: Witness) -> None:
    run = build_run()
    chain = chain_of(witness, "trace")
    chain.settle(run, killed("why"))
    with chain.around(run) as may_run:
        assert not may_run


@pytest.mark.parametrize(
    ("value", "message"), [("ok", "ok (job log not written: disk full)"), (None, "(job log not written: disk full)")]
)
def test_a_job_log_that_is_not_written_is_told_in_the_callback(witness: Witness, value: object, message: str) -> None:
    run_log, run = MemoryRunLog(), build_run()
    run_log.failure = "disk full"
    run.take_log(lambda _: run_log)
    chain_of(witness).settle(run, succeeded(value))
    assert run.record.message == message


def test_a_log_is_closed_by_the_last_who_writes_in_it(witness: Witness) -> None:
    logs: list[MemoryRunLog] = []

    def open_log(record: Any) -> MemoryRunLog:
        logs.append(MemoryRunLog())
        return logs[-1]

    def observe(run: Run, result: RunResult) -> None:
        run.give_back_log()
        copy_line("told\n")

    run = build_run()
    run.take_log(open_log)
    RunChain([], [observe], witness, open_log).settle(run, killed("why"))
    assert [(log.text, log.closed) for log in logs] == [("told\n", True)]
    assert run.log is None


def test_the_chain_of_every_run_has_its_order(witness: Witness) -> None:
    extra = witness.link("extra")
    parts: Any = None
    chain = build_chain(parts, witness, lambda _: MemoryRunLog(), (extra,))

    assert [link.__name__ for link in chain.links] == ["traced", "begun", "surround"]
    assert [observe.__name__ for observe in chain.observers] == ["log_result", "count_result", "alert"]
