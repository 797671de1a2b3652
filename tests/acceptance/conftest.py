"""The environments that acceptance tests run in."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.testing.robot_double import RobotDouble
from servers.mariadb import MariaDb
from servers.ratchjob import Console
from servers.rnacos import Nacos
from support.estate import Estate
from support.processes import Deployment


@pytest.fixture
def robot() -> Iterator[RobotDouble]:
    with RobotDouble() as robot:
        yield robot


@pytest.fixture
def deployment(tmp_path: Path) -> Iterator[Deployment]:
    with Deployment(tmp_path) as deployment:
        yield deployment


@pytest.fixture
def estate(
    nacos_server: Nacos, console_server: Console, mariadb_server: MariaDb, robot: RobotDouble, deployment: Deployment
) -> Estate:
    """The session's servers; for tests that leave them running."""
    estate = Estate(nacos_server, console_server, mariadb_server, robot, deployment)
    estate.publish()
    estate.connect()
    return estate


@pytest.fixture
def private_estate(
    nacos_factory: Callable[[], Nacos],
    console_factory: Callable[[], Console],
    mariadb_server: MariaDb,
    robot: RobotDouble,
    deployment: Deployment,
) -> Estate:
    """Servers of its own, for tests that kill them."""
    estate = Estate(nacos_factory(), console_factory(), mariadb_server, robot, deployment)
    estate.publish()
    estate.connect()
    return estate
