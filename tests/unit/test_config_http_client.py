"""The traced outgoing client: headers, one line a call, and httpx's exceptions translated."""

import re
import socket
from collections.abc import AsyncIterator

import httpx
import pytest

from app.common.context import bound
from app.common.errors import AppError, DeadlineExceeded, UpstreamError
from app.common.supervision import failure_of
from app.config.http_client import HttpClient
from support.asgi import heard_log

HEX = "0af7651916cd43dd8448eb211c80319c"
URL = "http://orders.internal:8080/api/orders/17?token=s3cr3t"


class Peer:
    """The other side: remembers the requests, and answers or fails as the test says."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self.failure: Exception | None = None
        self.status = 200

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if self.failure is not None:
            raise self.failure
        headers = {"Location": "http://elsewhere.internal/", "Set-Cookie": "session=of-somebody"}
        return httpx.Response(self.status, json={"id": 17}, headers=headers)


@pytest.fixture
def peer() -> Peer:
    return Peer()


@pytest.fixture
async def http(peer: Peer) -> AsyncIterator[HttpClient]:
    client = HttpClient(transport=httpx.MockTransport(peer.handle))
    yield client
    await client.close()


async def test_a_call_carries_the_current_trace_in_both_headers(http: HttpClient, peer: Peer) -> None:
    with bound(HEX):
        response = await http.get(URL)
    assert response.json() == {"id": 17}
    assert peer.requests[0].headers["X-Trace-Id"] == HEX
    assert re.fullmatch(rf"00-{HEX}-[0-9a-f]{{16}}-01", peer.requests[0].headers["traceparent"])


async def test_an_id_that_is_not_hexadecimal_travels_as_given_and_as_its_md5(http: HttpClient, peer: Peer) -> None:
    with bound("order-42"):
        await http.post(URL, json={"a": 1})
    assert peer.requests[0].headers["X-Trace-Id"] == "order-42"
    assert peer.requests[0].headers["traceparent"].split("-")[1] == "4f416b0c12aa8c754209da955fb755cc"
    assert (peer.requests[0].method, peer.requests[0].content) == ("POST", b'{"a":1}')


async def test_every_call_has_a_parent_id_of_its_own(http: HttpClient, peer: Peer) -> None:
    with bound(HEX):
        await http.get(URL)
        await http.get(URL)
    assert len({request.headers["traceparent"] for request in peer.requests}) == 2


async def test_outside_of_a_request_each_call_is_a_trace_of_its_own(http: HttpClient, peer: Peer) -> None:
    await http.get(URL)
    await http.get(URL)
    ids = {request.headers["X-Trace-Id"] for request in peer.requests}
    assert len(ids) == 2
    assert all(re.fullmatch(r"[0-9a-f]{32}", trace_id) for trace_id in ids)


async def test_a_cookie_of_one_answer_does_not_travel_with_the_next_call(http: HttpClient, peer: Peer) -> None:
    await http.get(URL)
    await http.get(URL)
    assert "Cookie" not in peer.requests[1].headers


async def test_a_cookie_that_a_call_gives_travels_with_it(http: HttpClient, peer: Peer) -> None:
    await http.get(URL, headers={"Cookie": "session=mine"})
    assert peer.requests[0].headers["Cookie"] == "session=mine"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_this_machine_is_not_asked_by_a_proxy(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as proxy, socket.create_server(("127.0.0.1", 0)) as listener:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.getsockname()[1]}")
        client = HttpClient(timeout_seconds=0.05)
        with pytest.raises(DeadlineExceeded):
            await client.get(f"http://{host}:{listener.getsockname()[1]}/")
        await client.close()
        listener.settimeout(0)
        listener.accept()[0].close()


async def test_a_redirect_is_handed_back_unless_the_call_follows(http: HttpClient, peer: Peer) -> None:
    peer.status = 302
    assert (await http.get(URL)).status_code == 302
    assert len(peer.requests) == 1
    with pytest.raises(UpstreamError):
        await http.get(URL, follow_redirects=True)


@pytest.mark.parametrize("status", [404, 500, 503])
async def test_an_answer_is_returned_whatever_its_status(http: HttpClient, peer: Peer, status: int) -> None:
    peer.status = status
    assert (await http.request("PUT", URL)).status_code == status


async def test_a_call_leaves_one_line_without_its_query(http: HttpClient) -> None:
    with heard_log() as records, bound(HEX):
        await http.get(URL)
    lines = [record for record in records if record["message"].startswith("outgoing call")]
    assert len(lines) == 1
    fields = lines[0]["extra"]
    assert (lines[0]["message"], fields["method"], fields["host"], fields["path"], fields["status"]) == (
        "outgoing call answered",
        "GET",
        "orders.internal:8080",
        "/api/orders/17",
        200,
    )
    assert fields["duration_ms"] >= 0
    assert "s3cr3t" not in str(fields)


@pytest.mark.parametrize(
    ("failure", "translated", "status"),
    [
        (httpx.ConnectTimeout("x"), DeadlineExceeded, 504),
        (httpx.ReadTimeout("x"), DeadlineExceeded, 504),
        (httpx.PoolTimeout("x"), DeadlineExceeded, 504),
        (httpx.ConnectError("x"), UpstreamError, 502),
        (httpx.RemoteProtocolError("x"), UpstreamError, 502),
        (httpx.ReadError("x"), UpstreamError, 502),
    ],
)
async def test_a_failure_is_one_of_ours_names_the_host_and_leaves_a_warning(
    http: HttpClient, peer: Peer, failure: Exception, translated: type[AppError], status: int
) -> None:
    peer.failure = failure
    with heard_log() as records, pytest.raises(translated, match=r"orders\.internal:8080") as caught:
        await http.get(URL)
    assert caught.value.status == status
    assert caught.value.__cause__ is failure
    assert "17" not in caught.value.message
    assert [(record["level"].name, record["extra"]["error"]) for record in records] == [
        ("WARNING", type(failure).__name__)
    ]


async def test_a_stream_is_read_piece_by_piece_and_its_failures_are_translated(http: HttpClient, peer: Peer) -> None:
    async with http.stream("GET", URL) as response:
        assert [chunk async for chunk in response.aiter_bytes()] == [b'{"id":17}']
    peer.failure = httpx.ConnectError("x")
    with pytest.raises(UpstreamError):
        async with http.stream("GET", URL):
            pass


async def test_an_address_where_nobody_listens_is_an_upstream_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    client = HttpClient()
    with pytest.raises(UpstreamError):
        await client.get(f"http://127.0.0.1:{port}/")
    await client.close()


async def test_closing_twice_or_unused_is_fine() -> None:
    client = HttpClient()
    await client.close()
    assert await failure_of(client.close()) is None
