from collections.abc import Iterator

import pytest

from app.alerts.wecom_client import Verdict, WecomClient
from app.common.utils.wechat_msg_util import build_text
from app.testing.robot_double import RobotDouble

KEY = "6a1b3c5d-secret-key"


@pytest.fixture
def robot() -> Iterator[RobotDouble]:
    with RobotDouble(keys={KEY}) as double:
        yield double


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[WecomClient]:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    client = WecomClient(timeout_seconds=0.2)
    yield client
    client.close()


def test_an_accepted_message_has_arrived(robot: RobotDouble, client: WecomClient) -> None:
    assert client.send(f"{robot.url}/", KEY, build_text("告警")).verdict is Verdict.ACCEPTED
    assert robot.contents(KEY) == ["告警"]


@pytest.mark.parametrize(
    ("body", "verdict"),
    [
        (b'{"errcode": 45009, "errmsg": "api freq out of limit"}', Verdict.TOO_MANY),
        (b'{"errcode": 130101, "errmsg": "send too fast"}', Verdict.TOO_MANY),
        (b'{"errcode": 40058, "errmsg": "exceed max length 4096"}', Verdict.TOO_LONG),
        (b'{"errcode": 93000, "errmsg": "invalid webhook url"}', Verdict.BAD_KEY),
        (b'{"errcode": -1, "errmsg": "system busy"}', Verdict.RETRY),
        (b'{"errcode": 99999, "errmsg": "?"}', Verdict.REFUSED),
        (b"<html>relay</html>", Verdict.REFUSED),
        (b"[]", Verdict.REFUSED),
        (b'{"errcode": "x"}', Verdict.REFUSED),
        (b"\xff\xfe", Verdict.REFUSED),
    ],
)
def test_each_answer_has_its_meaning(robot: RobotDouble, client: WecomClient, body: bytes, verdict: Verdict) -> None:
    robot.answers.append(body)
    assert client.send(robot.url, KEY, build_text("x")).verdict is verdict


def test_an_unknown_code_keeps_its_words_and_never_the_key(robot: RobotDouble, client: WecomClient) -> None:
    robot.answers.append(b'{"errcode": 40001, "errmsg": "no robot 6a1b3c5d-secret-key"}')
    assert client.send(robot.url, KEY, build_text("x")).reason == "errcode 40001: no robot ******"


def test_a_failing_server_is_tried_again(robot: RobotDouble, client: WecomClient) -> None:
    robot.http_status = 502
    assert client.send(robot.url, KEY, build_text("x")).verdict is Verdict.RETRY


def test_a_hanging_server_is_tried_again(robot: RobotDouble, client: WecomClient) -> None:
    robot.hang()
    answer = client.send(robot.url, KEY, build_text("x"))
    assert answer.verdict is Verdict.RETRY
    assert answer.reason.startswith("ReadTimeout")


@pytest.mark.parametrize("base_url", ["http://127.0.0.1:1", "ftp://127.0.0.1", "not a url", "http://[", "http://"])
def test_an_address_that_does_not_work_is_an_answer_not_an_exception(client: WecomClient, base_url: str) -> None:
    answer = client.send(base_url, KEY, build_text("x"))
    assert answer.verdict is Verdict.RETRY
    assert KEY not in answer.reason


@pytest.mark.parametrize("scheme", ["http://", ""])
def test_the_proxy_variables_are_honoured(
    robot: RobotDouble, client: WecomClient, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    monkeypatch.setenv("http_proxy", scheme + robot.url.removeprefix("http://"))
    assert client.send("http://qyapi.example", KEY, build_text("by proxy")).verdict is Verdict.ACCEPTED
    assert robot.contents(KEY) == ["by proxy"]


def test_hosts_that_are_excepted_go_past_the_proxy(
    robot: RobotDouble, client: WecomClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert client.send(robot.url, KEY, build_text("direct")).verdict is Verdict.ACCEPTED


def test_a_proxy_that_can_not_be_used_is_an_answer_without_its_password(
    client: WecomClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "gopher://user:hunter22@127.0.0.1:1")
    answer = client.send("http://qyapi.example", KEY, build_text("x"))
    assert answer.verdict is Verdict.RETRY
    assert "hunter22" not in answer.reason
