"""Names what was measured on: versions and machine, nothing that identifies the host."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = (
    "fastapi", "starlette", "uvicorn", "uvloop", "httptools", "pydantic", "loguru", "nacos-sdk-python", "aiohttp",
    "pyxxl",
)  # fmt: skip
CPU_MODEL = "model name"


def describe() -> list[str]:
    """Lines for a report: date, versions, machine, and how busy it was."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    load = os.getloadavg()[0]
    return [
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        f"Python {platform.python_version()}, " + ", ".join(f"{name} {_version(name)}" for name in PACKAGES),
        f"{cores} cores, {_cpu_model()}, {platform.system()} {platform.machine()}; load before: {load:.2f}",
    ]


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"


def _cpu_model() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith(CPU_MODEL)]
    return models[0] if models else platform.processor() or "unknown CPU"
