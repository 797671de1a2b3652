"""Loads the SDK when a listener is wanted: it costs more than the rest of the start together."""

import asyncio
import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Final

from app.config.nacos_config import NacosConnection
from app.config.sources.nacos_login import NacosLogin
from app.config.sources.nacos_session import Connect, NacosSession

_ADAPTER: Final = "app.config.sources.nacos_sdk"
_KMS: Final = "v2.nacos.config.encryption.kms_handler"


def sdk_connect(connection: NacosConnection, login: NacosLogin) -> Connect:
    """Opens SDK sessions; the first one loads the SDK in a thread, a second of work that the loop does not wait for."""

    async def connect(namespace: str) -> NacosSession:
        adapter = await asyncio.to_thread(load_sdk)
        session: NacosSession = await adapter.SdkSession.open(connection, namespace, login)
        return session

    return connect


def load_sdk() -> ModuleType:
    """The adapter module. Blocking."""
    with _kms_on_demand():
        return importlib.import_module(_ADAPTER)


@contextmanager
def _kms_on_demand() -> Iterator[None]:
    """The SDK imports Alibaba's key-management client whether or not it is used: 1 s and 22 MB.

    For the time of the import a stand-in answers for the module; whoever constructs a handler later gets the real one.
    """
    if _KMS in sys.modules or "v2.nacos" in sys.modules:
        yield
        return
    stand_in = ModuleType(_KMS)
    stand_in.KMSHandler = lambda *args: importlib.import_module(_KMS).KMSHandler(*args)  # type: ignore[attr-defined]
    sys.modules[_KMS] = stand_in
    try:
        yield
    finally:
        del sys.modules[_KMS]
