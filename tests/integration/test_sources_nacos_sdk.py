"""The SDK behind the session port, against a real server: what it does wrong by itself, it does not do here."""

import asyncio
import logging
import os
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from app.common.errors import SourceUnavailable
from app.config.nacos_config import NacosConnection, build_nacos_connection
from app.config.sources.nacos_api import NacosApi
from app.config.sources.nacos_http import NacosHttp
from app.config.sources.nacos_login import NacosLogin
from app.config.sources.nacos_sdk import SdkSession
from app.config.sources.nacos_sdk_log import sdk_logger
from app.config.sources.nacos_session import Unreachable
from servers.nacos_client import NacosClient
from servers.rnacos import Nacos
from support.tls_proxy import open_tls_proxy


class Heard:
    """What a listener was told."""

    def __init__(self) -> None:
        self.texts: list[str | None] = []

    def __call__(self, data_id: str, text: str | None) -> None:
        self.texts.append(text)

    async def until(self, text: str | None, seconds: float = 10) -> None:
        async with asyncio.timeout(seconds):
            while not self.texts or self.texts[-1] != text:
                await asyncio.sleep(0.005)


def connection_to(nacos: Nacos, **section: object) -> NacosConnection:
    return build_nacos_connection(
        {
            "host": nacos.address,
            "username": nacos.username,
            "password": nacos.password,
            "data_id": "app.yaml",
            **section,
        },
        {},
    )


@asynccontextmanager
async def opened(connection: NacosConnection, namespace: str = "public") -> AsyncIterator[SdkSession]:
    api = NacosApi(connection)
    try:
        session = await SdkSession.open(connection, namespace, NacosLogin(connection, api))
        try:
            yield session
        finally:
            await session.close()
    finally:
        await api.close()


def others() -> set[asyncio.Task[object]]:
    return asyncio.all_tasks() - {asyncio.current_task()}  # type: ignore[arg-type]


def open_descriptors() -> int:
    """0 where the system does not tell."""
    folder = Path("/proc/self/fd")
    return sum(1 for _ in folder.iterdir()) if folder.exists() else 0


def document(name: str) -> str:
    return f"test_sources_nacos_sdk-{name}-{time.monotonic_ns()}.yaml"


@pytest.fixture
def publisher(nacos_server: Nacos) -> Iterator[NacosClient]:
    with nacos_server.client() as client:
        yield client


async def test_a_document_is_read_to_the_letter(nacos_server: Nacos, publisher: NacosClient) -> None:
    name, text = document("text"), "greeting: 你好🙂\r\nline: '\u2028'\n"
    publisher.publish(name, text)
    async with opened(connection_to(nacos_server)) as session:
        assert await session.read("public", name) == text
        assert await session.read("", name) == text
        assert await session.read("other", name) is None
        assert await session.read("public", "absent") is None


async def test_four_mebibytes_are_read_and_more_is_refused_by_name(nacos_server: Nacos, publisher: NacosClient) -> None:
    large, too_large = document("large"), document("too-large")
    publisher.publish(large, "a" * 4 * 1024 * 1024)
    publisher.publish(too_large, "a" * (4 * 1024 * 1024 + 1))
    async with opened(connection_to(nacos_server)) as session:
        assert len(await session.read("public", large) or "") == 4 * 1024 * 1024
        with pytest.raises(SourceUnavailable, match=f"{too_large} is larger than 4 MiB"):
            await session.read("public", too_large)


async def test_a_listener_hears_the_present_text_at_once_then_changes_and_the_deletion(
    nacos_server: Nacos, publisher: NacosClient
) -> None:
    name, heard = document("listen"), Heard()
    publisher.publish(name, "a: 1")
    async with opened(connection_to(nacos_server)) as session:
        await session.listen(name, heard)
        await heard.until("a: 1", seconds=2)
        publisher.publish(name, "a: 2")
        await heard.until("a: 2", seconds=2)
        publisher.delete(name)
        await heard.until(None, seconds=2)
        publisher.publish(name, "a: 3")
        await heard.until("a: 3", seconds=2)


async def test_a_document_that_does_not_exist_yet_is_heard_when_it_does(
    nacos_server: Nacos, publisher: NacosClient
) -> None:
    name, heard = document("later"), Heard()
    async with opened(connection_to(nacos_server)) as session:
        await session.listen(name, heard)
        await asyncio.sleep(0.2)
        publisher.publish(name, "a: 1")
        await heard.until("a: 1")


async def test_of_many_changes_in_a_row_the_last_one_is_never_lost(nacos_server: Nacos, publisher: NacosClient) -> None:
    name, heard = document("burst"), Heard()

    def publish(round_number: int) -> None:
        for number in range(6):
            publisher.publish(name, f"a: {round_number}.{number}")
            time.sleep(0.001 * number)

    async with opened(connection_to(nacos_server)) as session:
        await session.listen(name, heard)
        for round_number in range(60):
            await asyncio.to_thread(publish, round_number)
            await heard.until(f"a: {round_number}.5", seconds=3)


async def test_a_wrong_password_fails_the_read_and_is_not_in_the_message(nacos_server: Nacos) -> None:
    async with opened(connection_to(nacos_server, password="wrong-password")) as session:
        with pytest.raises(SourceUnavailable, match="refuses the login") as error:
            await session.read("public", "app.yaml")
    assert "wrong-password" not in error.value.message


async def test_a_dead_server_is_given_up_in_time_and_leaves_nothing_behind(free_port: int) -> None:
    connection = build_nacos_connection({"host": f"127.0.0.1:{free_port}", "data_id": "app.yaml"}, {})
    started = time.monotonic()
    with pytest.raises(Unreachable, match=r"connecting over gRPC took longer than 0\.5 s"):
        await SdkSession.open(connection, "public", NacosLogin(connection, NacosApi(connection)), seconds=0.5)
    assert time.monotonic() - started < 3
    assert others() == set()


async def test_a_dead_listen_task_is_noticed_while_the_session_is_connected(nacos_server: Nacos) -> None:
    async with opened(connection_to(nacos_server)) as session:
        assert session.trouble() is None
        while not session._proxy.listen_task.done():  # an asyncio.wait_for that ends just now swallows a cancellation
            session._proxy.listen_task.cancel()
            await asyncio.sleep(0.01)
        assert session.connected
        assert session.trouble() == "the SDK's listen task ended"
    assert others() == set()


async def test_a_cancellation_inside_the_sdk_ends_neither_the_caller_nor_the_listen_task(
    nacos_server: Nacos, publisher: NacosClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, heard = document("race"), Heard()
    async with opened(connection_to(nacos_server)) as session:
        (client,) = session._proxy.rpc_client_manager.client_map.values()

        async def cancelled_by_reconnect(*_: object) -> None:
            raise asyncio.CancelledError

        with monkeypatch.context() as patch:
            patch.setattr(client.current_connection, "request", cancelled_by_reconnect)
            await session.listen(name, heard)
            with pytest.raises(SourceUnavailable):
                await session.read("public", name)
        assert session.trouble() is None
        publisher.publish(name, "a: 1")
        await heard.until("a: 1")


async def test_closing_passes_the_callers_own_cancellation_on(nacos_server: Nacos) -> None:
    async with opened(connection_to(nacos_server)) as session:
        closing = asyncio.create_task(session.close())
        await asyncio.sleep(0)
        closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing


async def test_closing_takes_no_time_and_leaves_no_task(nacos_server: Nacos, publisher: NacosClient) -> None:
    name, heard = document("close"), Heard()
    publisher.publish(name, "a: 1")
    async with opened(connection_to(nacos_server)) as session:
        await session.listen(name, heard)
        await heard.until("a: 1")
        started = time.monotonic()
    assert time.monotonic() - started < 2
    assert others() == set()


async def test_sessions_leave_loggers_files_and_descriptors_as_they_were(
    nacos_server: Nacos, publisher: NacosClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    name = document("side-effects")
    publisher.publish(name, "a: 1")
    loggers = [logging.getLogger(each) for each in ("config", "naming", "")]
    before = [(list(each.handlers), each.level, each.propagate) for each in loggers]

    async def one() -> None:
        heard = Heard()
        async with opened(connection_to(nacos_server)) as session:
            await session.listen(name, heard)
            await heard.until("a: 1")
            assert [(list(each.handlers), each.level, each.propagate) for each in loggers] == before

    await one()
    descriptors = open_descriptors()
    for _ in range(5):
        await one()

    assert [(list(each.handlers), each.level, each.propagate) for each in loggers] == before
    assert list(tmp_path.iterdir()) == []
    async with asyncio.timeout(5):
        while open_descriptors() > descriptors + 2:  # gRPC closes its sockets on threads of its own
            await asyncio.sleep(0.05)


async def test_what_the_sdk_logs_holds_neither_token_nor_text(
    nacos_server: Nacos, publisher: NacosClient, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sdk_logger().filters[0], "_last", {})
    name = document("log")
    publisher.publish(name, "password: hunter22")
    connection = connection_to(nacos_server)
    api = NacosApi(connection)
    login = NacosLogin(connection, api)
    session = await SdkSession.open(connection, "public", login)
    (client,) = session._proxy.rpc_client_manager.client_map.values()
    await session.read("public", name)
    await client.current_connection.channel.close()
    with pytest.raises(SourceUnavailable):
        await session.read("public", name)
    token = await login.token()
    await session.close()
    await api.close()
    assert caplog.text
    assert token not in caplog.text
    assert "hunter22" not in caplog.text


async def test_proxy_variables_are_ignored_and_stay_as_they_are(
    nacos_server: Nacos, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("http_proxy", "https_proxy", "grpc_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(variable, "http://127.0.0.1:1")
    for variable in ("no_proxy", "NO_PROXY", "no_grpc_proxy"):
        monkeypatch.delenv(variable, raising=False)
    environment = dict(os.environ)
    async with opened(connection_to(nacos_server)) as session:
        assert session.connected
        assert await session.read("public", "absent") is None
    assert dict(os.environ) == environment


async def test_a_forgotten_token_is_renewed_for_the_session_too(nacos_server: Nacos, publisher: NacosClient) -> None:
    name = document("token")
    publisher.publish(name, "a: 1")
    connection = connection_to(nacos_server)
    api = NacosApi(connection)
    login = NacosLogin(connection, api)
    session = await SdkSession.open(connection, "public", login)
    await login.token()
    login._token = "0" * 64  # as if the server had been restarted with other data
    with pytest.raises(SourceUnavailable):
        await session.read("public", name)
    assert await NacosHttp(connection, api, login).read("public", name) == "a: 1"
    assert await session.read("public", name) == "a: 1"
    await session.close()
    await api.close()


async def test_tls_reaches_both_ports(nacos_server: Nacos, publisher: NacosClient, tmp_path: Path) -> None:
    name, heard = document("tls"), Heard()
    publisher.publish(name, "a: 1")
    async with open_tls_proxy(nacos_server.port, (0, 1000), tmp_path) as proxy:
        connection = connection_to(nacos_server, host=f"https://localhost:{proxy.port}", ca_file=str(proxy.ca_file))
        api = NacosApi(connection)
        login = NacosLogin(connection, api)
        assert await NacosHttp(connection, api, login).read("public", name) == "a: 1"
        await api.close()
        async with opened(connection) as session:
            await session.listen(name, heard)
            await heard.until("a: 1")


def test_a_process_forked_after_grpc_was_used_is_refused_at_once(nacos_server: Nacos) -> None:
    program = textwrap.dedent(f"""
        import asyncio, os, sys
        from app.common.errors import SourceUnavailable
        from app.config.nacos_config import build_nacos_connection
        from app.config.sources.nacos_api import NacosApi
        from app.config.sources.nacos_login import NacosLogin
        from app.config.sources.nacos_sdk import SdkSession

        async def open_and_close():
            connection = build_nacos_connection({{"host": "{nacos_server.address}", "data_id": "app.yaml"}}, {{}})
            session = await SdkSession.open(connection, "public", NacosLogin(connection, NacosApi(connection)))
            await session.close()

        asyncio.run(open_and_close())
        child = os.fork()
        if child:
            sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        try:
            asyncio.run(open_and_close())
        except SourceUnavailable as error:
            os._exit(42 if "forked" in error.message else 1)
        os._exit(2)
    """)
    done = subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parents[2], timeout=60, check=False)
    assert done.returncode == 42


async def test_a_server_that_comes_back_is_heard_again(nacos_factory: Callable[[], Nacos]) -> None:
    server, heard = nacos_factory(), Heard()
    with server.client() as publisher:
        publisher.publish("app.yaml", "a: 1")
        async with opened(connection_to(server)) as session:
            await session.listen("app.yaml", heard)
            await heard.until("a: 1")
            await asyncio.to_thread(server.restart)
            publisher.publish("app.yaml", "a: 2")
            await heard.until("a: 2", seconds=30)
            assert session.trouble() is None
    assert others() == set()
