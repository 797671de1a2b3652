"""What logging is told: the options, and which level counts for which module."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

ACCESS_MODULE: Final = "access"
LEVEL_NUMBERS: Final[Mapping[str, int]] = {
    "TRACE": 5, "DEBUG": 10, "INFO": 20, "SUCCESS": 25, "WARNING": 30, "ERROR": 40, "CRITICAL": 50,
}  # fmt: skip

QUIET: Final[Mapping[str, str]] = {"httpx": "WARNING", "httpcore": "WARNING", "config": "WARNING", "naming": "WARNING"}
"""Libraries whose INFO is noise, or worse: the Nacos SDK's `config` and `naming` log tokens and whole documents."""

_MAX_CACHED: Final = 4096


@dataclass(frozen=True)
class LogOptions:
    """How this process logs. `level`, `levels`, `format`, `console` and `retention_days` can change live."""

    instance: str
    """`<role>-<host>-<worker>`: the stem of the file's name."""
    log_path: Path
    env: str
    service: str = "tenon"
    level: str = "INFO"
    levels: Mapping[str, str] = field(default_factory=dict)
    """Level by module or stdlib logger name; the longest matching prefix wins."""
    format: Literal["text", "json"] = "text"
    console: bool = True
    file: bool = True
    retention_days: int = 60
    local: bool = False
    """Tracebacks show the values of variables."""


class LevelTable:
    """The level that counts for a dotted name. Immutable but for its cache; replaced whole when settings change."""

    def __init__(self, level: str, levels: Mapping[str, str]) -> None:
        self.default = LEVEL_NUMBERS[level.upper()]
        self.named = {name: LEVEL_NUMBERS[value.upper()] for name, value in {**QUIET, **levels}.items()}
        self._cache: dict[str, int] = {}

    def is_same(self, other: "LevelTable") -> bool:
        """Whether both let the same lines through."""
        return (self.default, self.named) == (other.default, other.named)

    @property
    def lowest(self) -> int:
        """The lowest level that any name lets through."""
        return min(self.default, *self.named.values())

    def number(self, name: str) -> int:
        """The level of `a.b.c`: that of `a.b.c`, else of `a.b`, else of `a`, else the default."""
        found = self._cache.get(name)
        if found is None:
            if len(self._cache) >= _MAX_CACHED:  # pyxxl names a logger per run
                self._cache.clear()
            found = self._cache[name] = self._resolve(name)
        return found

    def _resolve(self, name: str) -> int:
        while name:
            if name in self.named:
                return self.named[name]
            name = name.rpartition(".")[0]
        return self.default
