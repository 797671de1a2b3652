"""The order of what surrounds a handler."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from app.jobs.chain import Link, RunChain, build_chain
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
        @contextmanager
        def surround(run: Run) -> Iterator[None]:
            self.seen.append(f"{name} in")
            try:
                yield
            finally:
                self.seen.append(f"{name} out")

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
    @contextmanager
    def broken(run: Run) -> Iterator[None]:
        raise OSError("no folder")
        yield

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


def test_an_observer_that_fails_does_not_keep_the_callback(witness: Witness) -> None:
    def broken(run: Run, result: RunResult) -> None:
        raise OSError("disk")

    chain, run = chain_of(witness, observers=[broken]), build_run()
    with pytest.raises(OSError, match="disk"):
        chain.settle(run, succeeded("ok"))
    assert witness.seen == ["settled"]


def test_the_chain_of_every_run_has_its_order(witness: Witness) -> None:
    extra = witness.link("extra")
    parts: Any = None
    chain = build_chain(parts, witness, lambda _: MemoryRunLog(), (extra,))

    assert [link.__name__ for link in chain.links] == ["traced", "logged", "begun", "surround"]
    assert [observe.__name__ for observe in chain.observers] == ["log_result", "count_result", "alert"]
