"""Real clients and raw sockets against the executor: what they send is understood, what they get they understand."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import aiohttp
import httpx
import pytest

from support.executor import ExecutorDesk, open_executor, registry_of, trigger

OK = {"code": 200, "msg": None}


async def noop() -> str:
    return "done"


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[ExecutorDesk]:
    async with open_executor(tmp_path, registry_of(noop)) as opened:
        yield opened


async def say(desk: ExecutorDesk, *pieces: bytes) -> bytes:
    """Everything that is answered until the executor closes the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", desk.plane.port)
    for piece in pieces:
        writer.write(piece)
        await asyncio.sleep(0.01)
    async with asyncio.timeout(5):
        answer = await reader.read()
    writer.close()
    return answer


def head(desk: ExecutorDesk, path: str, *lines: str) -> bytes:
    token = f"XXL-JOB-ACCESS-TOKEN: {desk.console.token}"
    return "\r\n".join([f"POST {path} HTTP/1.1", "Host: x", token, *lines, "", ""]).encode()


async def test_a_connection_is_kept_by_every_client(desk: ExecutorDesk) -> None:
    url, headers = f"http://127.0.0.1:{desk.plane.port}", {"XXL-JOB-ACCESS-TOKEN": desk.console.token}
    limits = httpx.Limits(max_connections=1)
    async with httpx.AsyncClient(trust_env=False, limits=limits) as one, aiohttp.ClientSession() as two:
        for _ in range(3):
            assert (await one.post(f"{url}/run", json=trigger("noop"), headers=headers)).json() == OK
            async with two.post(f"{url}/run", json=trigger("noop"), headers=headers) as answer:
                assert (answer.content_type, answer.charset) == ("application/json", "utf-8")
                assert await answer.json() == OK
            async with two.head(f"{url}/runs", headers=headers) as answer:
                assert (answer.status, await answer.read()) == (200, b"")
        async with two.get(f"{url}/runs?limit=2", headers=headers) as answer:
            assert len((await answer.json())["data"]) == 2


async def test_a_body_of_unknown_length_is_taken(desk: ExecutorDesk) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for byte in json.dumps(trigger("noop")).encode():
            yield bytes([byte])

    answer = await desk.http.post("/run", content=pieces(), headers={"XXL-JOB-ACCESS-TOKEN": desk.console.token})
    assert answer.json() == OK


async def test_pipelined_runs_are_answered_in_order(desk: ExecutorDesk) -> None:
    stream = b""
    for job_id in (1, 2, 3):
        body = json.dumps(trigger("noop" if job_id != 2 else "nobody", jobId=job_id))
        stream += head(desk, "/run", f"Content-Length: {len(body)}") + body.encode()
    answers = await say(desk, stream + head(desk, "/beat", "Connection: close"))
    bodies = [json.loads(part.split(b"HTTP/1.1")[0]) for part in answers.split(b"\r\n\r\n")[1:]]
    assert bodies == [OK, {"code": 500, "msg": "job handler [nobody] not found."}, OK, OK]


async def test_the_body_is_asked_for_where_a_client_waits_for_that(desk: ExecutorDesk) -> None:
    body = json.dumps({"jobId": 4}).encode()
    answer = await say(
        desk,
        head(desk, "/idleBeat", "Expect: 100-continue", "Connection: close", f"Content-Length: {len(body)}"),
        body,
    )
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")
    assert answer.endswith(b'{"code": 200, "msg": null}')


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"400 Bad Request"),
        (b"GET / HTTP/7.3\r\n\r\n", b"400 Bad Request"),
        (b"POST /run HTTP/1.1\r\nA: " + b"a" * 40_000 + b"\r\n\r\n", b"431 Request Header Fields Too Large"),
    ],
)
async def test_nonsense_is_answered_and_leaves_no_trace_in_the_log(
    desk: ExecutorDesk,
    request_bytes: bytes,
    status: bytes,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", desk.plane.port)
    writer.write(request_bytes)
    answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == 500
    assert caplog.records == []
    assert "Traceback" not in capsys.readouterr().err


async def test_a_body_beyond_the_limit_is_refused_before_it_came(desk: ExecutorDesk) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", desk.plane.port)
    writer.write(head(desk, "/run", "Content-Length: 900000000"))
    answer = await reader.readuntil(b"}")
    writer.write(b"x" * 1_000_000)
    writer.write_eof()
    with suppress(ConnectionError):
        assert await reader.read() == b""
    writer.close()
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"Connection: close" in answer


async def test_of_a_stranger_no_body_is_kept(desk: ExecutorDesk) -> None:
    request = b"POST /run HTTP/1.1\r\nConnection: close\r\nContent-Length: 4000000\r\n\r\n" + b"x" * 4_000_000
    answer = await say(desk, request)
    assert answer.endswith(b'{"code": 500, "msg": "The access token is wrong."}')


async def test_a_client_that_offers_http_2_is_answered_in_http_1_1(desk: ExecutorDesk) -> None:
    body = json.dumps(trigger("noop")).encode()
    offer = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAEAAEAAAAIAAAAA")
    run = head(desk, "/run", *offer, f"Content-Length: {len(body)}") + body
    answer = await say(desk, run + head(desk, "/beat", "Connection: close"))
    assert answer.count(b'{"code": 200, "msg": null}') == 2


@pytest.mark.parametrize("path", ["/run", "/log"])
async def test_a_client_that_goes_away_before_its_answer_leaves_nothing(desk: ExecutorDesk, path: str) -> None:
    body = json.dumps(trigger("noop")).encode()
    writers = []
    for _ in range(20):
        _reader, writer = await asyncio.open_connection("127.0.0.1", desk.plane.port)
        writer.write(head(desk, path, f"Content-Length: {len(body)}") + body)
        writers.append(writer)
    for writer in writers:
        writer.transport.abort()
    assert await desk.post("/beat") == OK


async def test_while_the_executor_drains_a_kept_connection_is_answered(desk: ExecutorDesk) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", desk.plane.port)
    writer.write(head(desk, "/beat"))
    assert b'"code": 200' in await reader.readuntil(b"}")
    desk.plane.request_stop()
    answer = b""
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        while b"executor is shutting down" not in answer:
            writer.write(head(desk, "/beat"))
            answer = await reader.readuntil(b"}")
    assert b'"code": ' in answer
    await desk.plane.stopped()
    assert await until_closed(reader) == b""
    writer.close()


async def until_closed(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(5):
        try:
            return await reader.read()
        except ConnectionError:
            return b""
