"""Constants and enums that every room shares."""

from enum import IntEnum, StrEnum
from typing import Final

TRACE_HEADER: Final = "X-Trace-Id"
TRACEPARENT_HEADER: Final = "traceparent"

EXIT_CONFIG: Final = 78
"""`EX_CONFIG` of sysexits.h: the process can't start with the configuration it was given."""

LOCAL_ENVIRONMENT: Final = "local"
MASK: Final = "******"

DEFAULT_WEB_PORT: Final = 8000
DEFAULT_EXECUTOR_PORT: Final = 9999

WEAK_SECRETS: Final = frozenset(
    {
        "default_token", "token", "secret", "password", "changeme", "change_me", "change-me", "change-this",
        "changethis", "admin", "nacos", "root", "test", "demo", "123456", "12345678", "xxx", "xxxx", "todo", "none",
        "null", "your-token", "your_token", "your-ops-token", "your_ops_token", "ops-token", "ops_token",
        "your-access-token", "your_access_token", "access_token", "placeholder",
    }
)  # fmt: skip
"""Well-known defaults and placeholders, lower case. Length is no criterion."""


class AlarmLevel(IntEnum):
    """How loud an alert is; a higher number is worse."""

    NORMAL = 1
    URGENT = 2
    CRITICAL = 3
    DISASTER = 4


class ProcessRole(StrEnum):
    """Which process a runtime is opened for."""

    WEB = "web"
    EXECUTOR = "executor"
    CLI = "cli"


def is_weak_secret(value: str) -> bool:
    """Whether `value` is empty, a placeholder (`<…>`, `${…}`) or a well-known default."""
    stripped = value.strip().lower()
    return not stripped or stripped in WEAK_SECRETS or stripped.startswith(("<", "${"))
