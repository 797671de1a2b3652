"""Settings and pools are swapped while requests run: the short measure always, the full one with `make soak`."""

import pytest

from servers.mariadb import MariaDb
from servers.waiting import wait_for
from support.swaps import Load, Report, swap_under_load

SHORT, FULL = Load(seconds=3, swaps=20), Load(seconds=30, swaps=100)


@pytest.fixture(
    scope="module", params=[pytest.param(SHORT, id="short"), pytest.param(FULL, id="full", marks=pytest.mark.soak)]
)
def load(request: pytest.FixtureRequest) -> Load:
    return request.param


@pytest.fixture(scope="module")
def report(load: Load, mariadb_server: MariaDb, tmp_path_factory: pytest.TempPathFactory) -> Report:
    return swap_under_load(load, mariadb_server.section, tmp_path_factory.mktemp("swaps"))


def test_no_request_fails_while_settings_are_swapped(load: Load, report: Report) -> None:
    assert report.revision == load.swaps + 1
    assert set(report.statuses) == {200}
    assert report.alerts == []


def test_no_request_sees_two_revisions(load: Load, report: Report) -> None:
    assert {len(body["seen"]) for body in report.bodies} == {1}
    assert len({body["seen"][0] for body in report.bodies}) > load.swaps / 2


def test_many_requests_had_a_swap_in_their_middle(load: Load, report: Report) -> None:
    overtaken = [body for body in report.bodies if body["newest"] > body["seen"][0]]
    assert len(overtaken) >= load.swaps


def test_a_transaction_stays_on_its_connection_when_the_pool_is_replaced(load: Load, report: Report) -> None:
    transactions = [body for body in report.bodies if "connections" in body]
    assert {len(body["connections"]) for body in transactions} == {1}
    assert any(body["newest"] > body["seen"][0] for body in transactions)


def test_the_replaced_pools_leave_no_connection_behind(report: Report, mariadb_server: MariaDb) -> None:
    count = "SELECT COUNT(*) FROM information_schema.processlist WHERE id <> CONNECTION_ID() AND user = 'root'"
    wait_for(lambda: mariadb_server.execute(count) == [(0,)], what="the end of every connection")
