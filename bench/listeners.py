"""The two ends of a push: the chassis' settings, and the SDK's bare listener. Each prints the time of every text.

`python -m bench.listeners chassis|sdk ADDRESS DATA_ID` prints `ready`, then `TICK MONOTONIC` for each change.
"""

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

import yaml

USERNAME = "nacos"
PASSWORD_VARIABLE = "NACOS_PASSWORD"


async def listen_with_chassis(address: str, data_id: str) -> None:
    """The whole way: push, parse, validate, apply; the time is that of the change in force."""
    from app.bootstrap import open_runtime  # noqa: PLC0415 - only in this one of the two processes
    from app.common.const import ProcessRole  # noqa: PLC0415
    from app.config.environment import load_environment  # noqa: PLC0415
    from app.config.live import on_change  # noqa: PLC0415

    def report(new: object, _old: object) -> None:
        print(new, time.monotonic(), flush=True)

    on_change("bench.tick")(report)
    with tempfile.TemporaryDirectory() as home:
        (Path(home) / "config_bench.yaml").write_text(
            f"nacos: {{host: '{address}', username: {USERNAME}, data_id: {data_id}}}\n"
        )
        environment = load_environment(
            {
                "APP_ENV": "bench",
                "CONFIG_DIR": home,
                "DATA_DIR": f"{home}/data",
                "LOG_PATH": f"{home}/log",
                "XXL_LOG_PATH": f"{home}/xxl_log",
                PASSWORD_VARIABLE: _password(),
            }
        )
        async with open_runtime(ProcessRole.CLI, environment=environment) as runtime:
            while not runtime.settings.source.status()["connected"]:
                await asyncio.sleep(0.05)
            print("ready", flush=True)
            await asyncio.Event().wait()


async def listen_with_sdk(address: str, data_id: str) -> None:
    """The SDK alone, and the parse that any user of it needs."""
    from v2.nacos import ClientConfigBuilder, ConfigParam, NacosConfigService  # noqa: PLC0415

    async def report(_namespace: str, _group: str, _data_id: str, content: str) -> None:
        print(yaml.safe_load(content)["bench"]["tick"], time.monotonic(), flush=True)

    with tempfile.TemporaryDirectory() as home:
        builder = ClientConfigBuilder().server_address(address).username(USERNAME).password(_password())
        config = builder.cache_dir(home).log_dir(home).build()
        service = await NacosConfigService.create_config_service(config)
        await service.get_config(ConfigParam(data_id=data_id, group="DEFAULT_GROUP"))
        await service.add_listener(data_id, "DEFAULT_GROUP", report)
        await asyncio.sleep(6)  # the SDK's listen loop wakes every 5 s
        print("ready", flush=True)
        await asyncio.Event().wait()


def _password() -> str:
    return os.environ[PASSWORD_VARIABLE]


if __name__ == "__main__":
    kind, server, document = sys.argv[1:]
    asyncio.run({"chassis": listen_with_chassis, "sdk": listen_with_sdk}[kind](server, document))
