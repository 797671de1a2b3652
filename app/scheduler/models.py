"""What the embedded console keeps: orders, runs and registrations. Frozen; nothing of HTTP in here."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final

MAX_MESSAGE_CHARS: Final = 15_000
"""What XXL-JOB's own console stores of a result; the rest is cut."""


class ResultCode(IntEnum):
    """The codes of the protocol, for triggers and for outcomes. 0: not there yet."""

    PENDING = 0
    SUCCESS = 200
    FAILURE = 500
    TIMEOUT = 502


class ConsoleRunState(StrEnum):
    """Where a run stands, as its two codes say."""

    TRIGGERED = "triggered"
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"
    TIMEOUT = "timeout"

    @property
    def is_over(self) -> bool:
        return self not in {ConsoleRunState.TRIGGERED, ConsoleRunState.RUNNING}


class BlockStrategy(StrEnum):
    """What an executor does with a run while another one of the same job is going on."""

    SERIAL_EXECUTION = "SERIAL_EXECUTION"
    DISCARD_LATER = "DISCARD_LATER"
    COVER_EARLY = "COVER_EARLY"


@dataclass(frozen=True)
class RunOrder:
    """What somebody wants to be run. `timeout_seconds` 0: no limit."""

    handler: str
    param: str = ""
    app_name: str = ""
    """The executor's name; empty: the one in `xxl-job.app_name`."""
    block_strategy: BlockStrategy = BlockStrategy.SERIAL_EXECUTION
    timeout_seconds: int = 0
    shard_index: int = 0
    shard_total: int = 1


@dataclass(frozen=True)
class ConsoleRun:
    """One run as the console knows it: what was ordered, what the trigger said, what the executor called back."""

    log_id: int
    job_id: int
    order: RunOrder
    trace_id: str
    triggered_at_ms: int
    address: str = ""
    """Where it was sent; empty when no executor was found alive."""
    trigger_code: int = ResultCode.PENDING
    trigger_message: str = ""
    handle_code: int = ResultCode.PENDING
    handle_message: str = ""
    finished_at_ms: int | None = None

    @property
    def state(self) -> ConsoleRunState:
        """An outcome outweighs the trigger's answer: an executor may accept after the trigger gave up on it."""
        match self.handle_code:
            case ResultCode.SUCCESS:
                return ConsoleRunState.SUCCESS
            case ResultCode.TIMEOUT:
                return ConsoleRunState.TIMEOUT
            case ResultCode.PENDING:
                return self._state_of_trigger()
            case _:
                return ConsoleRunState.FAILED

    def _state_of_trigger(self) -> ConsoleRunState:
        match self.trigger_code:
            case ResultCode.PENDING:
                return ConsoleRunState.TRIGGERED
            case ResultCode.SUCCESS:
                return ConsoleRunState.RUNNING
            case _:
                return ConsoleRunState.FAILED


@dataclass(frozen=True)
class Outcome:
    """How a run ended, as the executor says."""

    log_id: int
    code: int
    message: str = ""


@dataclass(frozen=True)
class Registration:
    """An executor's address and when it was last heard of (seconds since the epoch)."""

    app_name: str
    address: str
    seen_at: float


@dataclass(frozen=True)
class LogPage:
    """Lines `from_line` to `to_line` of a run's log; an empty page ends one before it begins."""

    from_line: int
    to_line: int
    content: str
    is_end: bool
    """Nothing more will come: the run is over and everything was read."""
