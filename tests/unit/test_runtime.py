"""The runtime is one frozen object, found from a request."""

import dataclasses
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.requests import HTTPConnection

from app.runtime import runtime_of
from support.runtime import opened_bench


async def test_a_request_finds_the_runtime_of_its_application(tmp_path: Path) -> None:
    async with opened_bench(tmp_path) as bench:
        app = FastAPI()
        app.state.runtime = bench.runtime
        assert runtime_of(HTTPConnection({"type": "http", "app": app})) is bench.runtime


async def test_no_part_can_be_exchanged_afterwards(tmp_path: Path) -> None:
    async with opened_bench(tmp_path) as bench:
        with pytest.raises(dataclasses.FrozenInstanceError):
            bench.runtime.instance = "other"  # type: ignore[misc]
