"""What a case hands back: one table, and whether its bars are met."""

from dataclasses import dataclass, field

from bench.pairs import Spread


class Skipped(Exception):
    """The case can't be measured here; the text says why."""


@dataclass(frozen=True)
class Options:
    """How much is measured."""

    pairs: int = 15
    seconds: float = 2.0
    """How long one sample of a throughput takes."""
    scale: float = 1.0
    """Of the executor's loads: below 1 for a look, not for a figure."""

    def scaled(self, number: int) -> int:
        return max(20, round(number * self.scale))


@dataclass(frozen=True)
class Row:
    """One line of the table. The bar is written as it is said (`>= 0.90x`); `is_met` is None without one."""

    subject: str
    measured: Spread
    unit: str
    ratio: Spread | None = None
    bar: str = ""
    is_met: bool | None = None


@dataclass(frozen=True)
class Figure:
    """One case's result."""

    name: str
    what: str
    rows: list[Row]
    notes: list[str] = field(default_factory=list)

    @property
    def is_met(self) -> bool:
        return all(row.is_met is not False for row in self.rows)
