"""The trace rule: which id a request or run carries, and how it travels on. Pure functions.

W3C Trace Context (level 1) defines `traceparent` as `version-traceid-parentid-flags` in lower-case hex.
"""

import hashlib
import re
import secrets
from functools import lru_cache
from typing import Final

_TRACE_ID: Final = re.compile(r"[A-Za-z0-9_.\-]{1,64}")
_TRACEPARENT: Final = re.compile(r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_HEX32: Final = re.compile(r"[0-9a-f]{32}")
_NO_TRACE: Final = "0" * 32
_NO_SPAN: Final = "0" * 16
_APP_NAME_LENGTH: Final = 40  # with "xxl-", "-" and the 19 digits of a 64-bit log id: 64 characters


def new_trace_id() -> str:
    """A new id of 32 hex digits."""
    return secrets.token_hex(16)


def is_valid_trace_id(value: str) -> bool:
    """Whether `value` may be used as given: 1 to 64 of `[A-Za-z0-9_.-]`."""
    return _TRACE_ID.fullmatch(value) is not None


def parse_traceparent(value: str) -> str | None:
    """The trace id of a valid `traceparent`, else None. Version 00 has exactly four fields."""
    match = _TRACEPARENT.fullmatch(value.strip())
    if match is None or match[1] == _NO_TRACE or match[2] == _NO_SPAN:
        return None
    if value.startswith("00") and match[4]:
        return None
    return match[1]


def choose_trace_id(traceparent: str | None, trace_header: str | None) -> str:
    """Valid `traceparent` → its 32 hex; else a valid `X-Trace-Id` as given; else a new id.

    Where both name the same trace (`traceparent` holds the W3C form of `X-Trace-Id`), the one that people know is
    kept: a job's calls stay under `xxl-<app_name>-<logId>` in the services that they reach.
    """
    named = trace_header if trace_header and is_valid_trace_id(trace_header) else None
    carried = parse_traceparent(traceparent) if traceparent else None
    if carried is None:
        return named or new_trace_id()
    return named if named and w3c_trace_id(named) == carried else carried


def w3c_trace_id(trace_id: str) -> str:
    """The W3C form of a trace id: itself if it is 32 hex digits, else its md5."""
    if _HEX32.fullmatch(trace_id) and trace_id != _NO_TRACE:
        return trace_id
    return hashlib.md5(trace_id.encode(), usedforsecurity=False).hexdigest()


def build_traceparent(trace_id: str) -> str:
    """A `traceparent` for the next hop, with a new parent id and the sampled flag."""
    return f"00-{w3c_trace_id(trace_id)}-{secrets.token_hex(8)}-01"


def run_trace_id(app_name: str, log_id: int) -> str:
    """The trace id of a job run: whoever sees the console's log id finds the trace."""
    return f"{_run_prefix(app_name)}{log_id}"


@lru_cache(maxsize=16)
def _run_prefix(app_name: str) -> str:
    safe = re.sub(r"[^A-Za-z0-9_.\-]", "_", app_name)
    return f"xxl-{safe[:_APP_NAME_LENGTH]}-"
