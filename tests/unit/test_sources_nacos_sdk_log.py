"""Where the SDK's log lines go."""

import logging
from collections.abc import Iterator

import pytest

from app.common.redaction import forget_secrets, register_secret
from app.config.sources.nacos_sdk_log import sdk_logger


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(sdk_logger().filters[0], "_last", {})
    register_secret("token-of-nacos")
    yield
    forget_secrets(["token-of-nacos"])


def complain(text: str) -> None:
    sdk_logger().error("send request fail, request=%s", text)


def test_tokens_are_masked(caplog: pytest.LogCaptureFixture) -> None:
    complain("{'accessToken': 'token-of-nacos'}")
    assert "send request fail" in caplog.text
    assert "token-of-nacos" not in caplog.text


def test_one_place_speaks_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    for number in range(100):
        complain(f"number {number}")
    sdk_logger().warning("another place")
    assert [record.getMessage() for record in caplog.records] == [
        "send request fail, request=number 0",
        "another place",
    ]


def test_a_line_that_holds_a_document_is_cut(caplog: pytest.LogCaptureFixture) -> None:
    complain("a" * 10_000)
    assert len(caplog.records[0].getMessage()) == 300


def test_payloads_which_are_logged_as_information_are_left_out(caplog: pytest.LogCaptureFixture) -> None:
    sdk_logger().info("receive stream server request, original info: %s", "a: 1")
    assert caplog.records == []


def test_the_application_may_have_a_logger_named_config(caplog: pytest.LogCaptureFixture) -> None:
    sdk_logger()
    logging.getLogger("config").warning("from the application")
    assert caplog.messages == ["from the application"]
