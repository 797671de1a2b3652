"""Readiness goes off with the signal, and the server still gets it."""

import signal
import threading
from collections.abc import Iterator
from types import FrameType

import pytest
from starlette.datastructures import State

from app.web.draining import noticed_signals


@pytest.fixture
def server_heard() -> Iterator[list[int]]:
    heard: list[int] = []

    def handle(number: int, _frame: FrameType | None) -> None:
        heard.append(number)

    former = signal.signal(signal.SIGTERM, handle)
    yield heard
    signal.signal(signal.SIGTERM, former)


def test_a_stop_signal_starts_draining_and_reaches_the_server(server_heard: list[int]) -> None:
    state = State({"is_draining": False})
    with noticed_signals(state):
        signal.raise_signal(signal.SIGTERM)
    assert state.is_draining is True
    assert server_heard == [signal.SIGTERM]


def test_the_server_s_own_handler_is_put_back(server_heard: list[int]) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with noticed_signals(State({"is_draining": False})):
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_handler_that_came_later_stays(server_heard: list[int]) -> None:
    def later(_number: int, _frame: FrameType | None) -> None:
        """Somebody else's."""

    with noticed_signals(State({"is_draining": False})):
        signal.signal(signal.SIGTERM, later)
    assert signal.getsignal(signal.SIGTERM) is later


def test_a_signal_that_nobody_handles_keeps_its_default(server_heard: list[int]) -> None:
    former = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    with noticed_signals(State({"is_draining": False})):
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    signal.signal(signal.SIGTERM, former)


def test_outside_the_main_thread_nothing_is_changed(server_heard: list[int]) -> None:
    before = signal.getsignal(signal.SIGTERM)
    seen: list[object] = []

    def serve() -> None:
        with noticed_signals(State({"is_draining": False})):
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=serve)
    thread.start()
    thread.join()
    assert seen == [before]
