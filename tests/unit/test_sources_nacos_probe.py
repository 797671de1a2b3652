"""Which of Nacos' ports answer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from app.config.nacos_config import NacosConnection, build_nacos_connection
from app.config.sources.nacos_probe import probe_nacos
from servers.ports import free_port

HTTP = b"HTTP/1.1 404 Not Found\r\n\r\n"
HTTP2_SETTINGS = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"


@asynccontextmanager
async def listening(port: int, answer: bytes) -> AsyncIterator[None]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(answer)
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    async with server:
        yield


@pytest.fixture
def connection() -> NacosConnection:
    port = free_port(offsets=(0, 1000))
    return build_nacos_connection({"host": f"127.0.0.1:{port}", "data_id": "app.yaml"}, {})


async def test_both_ports_answer(connection: NacosConnection) -> None:
    port = connection.addresses[0].port
    async with listening(port, HTTP), listening(port + 1000, HTTP2_SETTINGS):
        (probe,) = await probe_nacos(connection, timeout_seconds=5)
    assert (probe.http, probe.grpc) == (True, True)
    assert str(probe) == (f"http://127.0.0.1:{port}/nacos: HTTP port {port} answers, gRPC port {port + 1000} answers")


async def test_refusing_ports_do_not_answer(connection: NacosConnection) -> None:
    (probe,) = await probe_nacos(connection)
    port = connection.addresses[0].port
    assert str(probe).endswith(f"HTTP port {port} does not answer, gRPC port {port + 1000} does not answer")


async def test_a_port_that_accepts_and_stays_silent_does_not_answer(connection: NacosConnection) -> None:
    port = connection.addresses[0].port
    async with listening(port, b""), listening(port + 1000, b""):
        (probe,) = await probe_nacos(connection, timeout_seconds=0.05)
    assert (probe.http, probe.grpc) == (False, False)


async def test_a_port_that_speaks_something_else_does_not_answer(connection: NacosConnection) -> None:
    port = connection.addresses[0].port
    async with listening(port, b"SSH-2.0-OpenSSH"), listening(port + 1000, HTTP):
        (probe,) = await probe_nacos(connection, timeout_seconds=5)
    assert (probe.http, probe.grpc) == (False, False)


async def test_every_address_is_probed_with_its_own_grpc_port() -> None:
    section = {"host": "127.0.0.1:1,127.0.0.1:2", "data_id": "app.yaml", "grpc_port_offset": 10}
    probes = await probe_nacos(build_nacos_connection(section, {}))
    assert [(probe.address.port, probe.grpc_port) for probe in probes] == [(1, 11), (2, 12)]
