"""Settings as operators see and move them, without HTTP."""

from pathlib import Path

import pytest

from app.common.errors import UpstreamError
from app.nacos_ import service
from support.runtime import opened_bench


async def test_a_refresh_tells_what_it_came_to_and_which_process_did_it(tmp_path: Path) -> None:
    async with opened_bench(tmp_path, "orders: {limit: 1}\n") as bench:
        bench.desk.source.publish("orders: {limit: 2}\n")
        answer = await service.refresh(bench.runtime)
    assert (answer.outcome, answer.instance, answer.changes) == (
        "applied",
        bench.runtime.instance,
        ["orders.limit: 1 → 2"],
    )


async def test_a_source_that_is_away_is_an_upstream_failure(tmp_path: Path) -> None:
    async with opened_bench(tmp_path) as bench:
        bench.desk.source.available = False
        with pytest.raises(UpstreamError, match="the memory source is switched off"):
            await service.refresh(bench.runtime)
