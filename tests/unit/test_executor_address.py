"""Which address the console is told."""

from typing import Any

import pytest

from app.common.errors import StartupError
from app.config.xxl_job_config import ExecutorConfiguration
from app.testing.fake_console import FakeConsole
from app.xxl_job.executor.address import resolve_address
from support.configurations import configuration_of


def configuration(**fields: Any) -> ExecutorConfiguration:
    nobody = {"console_urls": ("http://127.0.0.1:8000/xxl-job-admin",), "host": "0.0.0.0"}
    return configuration_of(FakeConsole(), **{**nobody, **fields})


@pytest.mark.parametrize(
    ("fields", "address"),
    [
        ({"advertise": "https://jobs.example.com/executor/"}, "https://jobs.example.com/executor"),
        ({"advertise": "127.0.0.0/8"}, "http://127.0.0.1:1234"),
        ({"advertise": "127.0.0.1"}, "http://127.0.0.1:1234"),
        ({"advertise": "lo"}, "http://127.0.0.1:1234"),
        ({"advertise": "203.0.113.9"}, "http://203.0.113.9:1234"),
        ({"advertise": "2001:db8::7"}, "http://[2001:db8::7]:1234"),
        ({"pod_ip": "10.0.0.9"}, "http://10.0.0.9:1234"),
        ({"host": "10.1.2.3"}, "http://10.1.2.3:1234"),
        ({"host": "10.1.2.3", "pod_ip": "10.0.0.9"}, "http://10.0.0.9:1234"),
        ({}, "http://127.0.0.1:1234"),
    ],
)
def test_the_first_that_is_told_counts(fields: dict[str, Any], address: str) -> None:
    assert resolve_address(configuration(**fields), 1234) == address


@pytest.mark.parametrize("wanted", ["203.0.113.0/24", "nosuch0", "not an address"])
def test_what_is_nowhere_here_is_named_with_what_there_is(wanted: str) -> None:
    with pytest.raises(StartupError, match=r"xxl-job\.advertise .*127\.0\.0\.1"):
        resolve_address(configuration(advertise=wanted), 1234)


def test_a_console_whose_name_is_unknown_still_gives_an_address() -> None:
    address = resolve_address(configuration(console_urls=("http://no-such-console.invalid/x",)), 1234)
    assert address.startswith("http://")
    assert address.endswith(":1234")
