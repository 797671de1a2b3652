"""Console and load in one process, so that two executors never compete with more than it: `python -m bench.drive`.

Prints its port; then takes one JSON object a line and answers each with one.
"""

import asyncio
import itertools
import json
import sys
from typing import Any

import uvloop

from bench.console import Console, ConsoleConnection
from bench.triggers import HOST, Load, Triggers

_POLL_SECONDS = 0.01


async def serve() -> None:
    """Ends with its input."""
    loop = asyncio.get_running_loop()
    console = Console()
    server = await loop.create_server(lambda: ConsoleConnection(console), HOST, 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    log_ids = itertools.count(1, 1_000_000)
    while line := await asyncio.to_thread(sys.stdin.readline):
        print(json.dumps(await _obey(json.loads(line), console, log_ids)), flush=True)


async def _obey(command: dict[str, Any], console: Console, log_ids: "itertools.count[int]") -> dict[str, Any]:
    if "registered" in command:
        while not any(address.endswith(f":{command['registered']}") for address in console.addresses):
            await asyncio.sleep(_POLL_SECONDS)
        return {}
    console.forget()
    try:
        return await Triggers(Load(**command), console, next(log_ids)).run()
    except (OSError, RuntimeError) as error:
        return {"error": str(error)}


if __name__ == "__main__":
    uvloop.run(serve())
