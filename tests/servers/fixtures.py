"""The servers as fixtures: one of each for the whole session, and factories for tests that stop, kill or freeze theirs.

A server that cannot run here skips the test with the way to get it; with CI set it fails, so that a missing
installation step cannot pass unseen.
"""

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import NoReturn

import pytest

from servers.mariadb import MariaDb, open_mariadb
from servers.ratchjob import Console, open_console
from servers.rnacos import Nacos, open_nacos
from servers.server import Missing, S

Open = Callable[[], contextlib.AbstractContextManager[S]]


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[MariaDb]:
    yield from lend(open_mariadb)


@pytest.fixture(scope="session")
def nacos_server() -> Iterator[Nacos]:
    yield from lend(open_nacos)


@pytest.fixture(scope="session")
def console_server() -> Iterator[Console]:
    yield from lend(open_console)


@pytest.fixture
def mariadb_factory() -> Iterator[Callable[[], MariaDb]]:
    yield from lend_many(open_mariadb)


@pytest.fixture
def nacos_factory() -> Iterator[Callable[[], Nacos]]:
    yield from lend_many(open_nacos)


@pytest.fixture
def console_factory() -> Iterator[Callable[[], Console]]:
    yield from lend_many(open_console)


def lend(open_server: Open[S]) -> Iterator[S]:
    with contextlib.ExitStack() as stack:
        yield enter(stack, open_server)


def lend_many(open_server: Open[S]) -> Iterator[Callable[[], S]]:
    with contextlib.ExitStack() as stack:
        yield lambda: enter(stack, open_server)


def enter(stack: contextlib.ExitStack, open_server: Open[S]) -> S:
    try:
        return stack.enter_context(open_server())
    except Missing as missing:
        refuse(str(missing))


def refuse(reason: str) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
