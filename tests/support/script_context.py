"""A context for what a script is told, without a runtime around it."""

import threading
from typing import Any, cast

from app.common.logger import log
from app.jobs.context import JobContext


def build_script_context(log_id: int = 1, param: str = "") -> JobContext:
    nothing = cast("Any", None)
    return JobContext(
        job_id=4,
        log_id=log_id,
        handler="GLUE_SHELL",
        param=param,
        args=None,
        shard_index=1,
        shard_total=3,
        deadline=None,
        attempt=1,
        trace_id=f"xxl-app-{log_id}",
        log=log,
        snapshot=nothing,
        runtime=nothing,
        stop_event=threading.Event(),
    )
