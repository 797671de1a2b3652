import json
import ssl
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from app.testing.robot_double import RobotDouble

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@pytest.fixture
def robot() -> Iterator[RobotDouble]:
    with RobotDouble(keys={"k1", "k2"}) as double:
        yield double


def send(robot: RobotDouble, content: bytes, key: str = "k1", timeout: float = 5) -> httpx.Response:
    # without TLS, as everything here: reading the certificate authorities would take longer than the test
    return httpx.post(
        f"{robot.url}/cgi-bin/webhook/send", params={"key": key}, content=content, timeout=timeout, verify=NO_TLS
    )


def post(robot: RobotDouble, body: bytes | dict[str, Any], key: str = "k1") -> dict[str, Any]:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = send(robot, content, key)
    document: dict[str, Any] = answer.json()
    return document


def text(content: str) -> dict[str, Any]:
    return {"msgtype": "text", "text": {"content": content}}


def test_it_takes_messages_in_order_and_by_robot(robot: RobotDouble) -> None:
    assert post(robot, text("a")) == {"errcode": 0, "errmsg": "ok"}
    post(robot, {"msgtype": "markdown", "markdown": {"content": "b"}}, key="k2")
    assert robot.contents() == ["a", "b"]
    assert robot.contents("k2") == ["b"]


@pytest.mark.parametrize(
    ("body", "key", "code"),
    [
        (text("a"), "wrong", 93000),
        (b"{", "k1", 47001),
        (b"[]", "k1", 47001),
        ({"msgtype": "text"}, "k1", 47001),
        ({"msgtype": "image", "image": {"content": "x"}}, "k1", 40008),
        (text("中" * 683), "k1", 40058),
        ({"msgtype": "markdown", "markdown": {"content": "x" * 4097}}, "k1", 40058),
    ],
)
def test_it_refuses_what_the_service_refuses(
    robot: RobotDouble, body: bytes | dict[str, Any], key: str, code: int
) -> None:
    assert post(robot, body, key)["errcode"] == code
    assert robot.refused == [code]
    assert robot.accepted == []


def test_the_limit_is_in_bytes_and_inclusive(robot: RobotDouble) -> None:
    assert post(robot, text("中" * 682 + "xx"))["errcode"] == 0


def test_the_twenty_first_message_in_a_minute_is_refused_per_robot() -> None:
    now = [0.0]
    with RobotDouble(keys={"k1", "k2"}, clock=lambda: now[0]) as robot:
        codes = [post(robot, text("x"))["errcode"] for _ in range(21)]
        assert codes == [0] * 20 + [45009]
        assert post(robot, text("x"), key="k2")["errcode"] == 0
        now[0] = 60.0
        assert post(robot, text("x"))["errcode"] == 0
        assert robot.most_in_a_window() == 20


def test_it_can_fail_as_a_server_and_answer_anything(robot: RobotDouble) -> None:
    robot.http_status = 500
    assert send(robot, b"{}").status_code == 500
    robot.http_status = 200
    robot.answers.append(b'{"errcode": -1, "errmsg": "system busy"}')
    assert post(robot, text("a"))["errcode"] == -1
    assert robot.accepted == []


def test_it_can_hang_until_released(robot: RobotDouble) -> None:
    robot.hang()
    with pytest.raises(httpx.ReadTimeout):
        send(robot, b"{}", timeout=0.05)
    robot.release()
    assert post(robot, text("b"))["errcode"] == 0
