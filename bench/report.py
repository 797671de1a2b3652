"""Writes bench/RESULTS.md: one section a figure. A figure that isn't measured this time keeps its former section."""

import re
from collections.abc import Sequence
from pathlib import Path

from bench.figure import Figure, Row
from bench.pairs import Spread

RESULTS = Path(__file__).with_name("RESULTS.md")
_TITLE = (
    "# Measured\n\nWritten by `make bench`. Medians, with p10–p90 in brackets; ratios are taken within each pair.\n"
)
_SECTION = re.compile(r"^## (\S+)\n.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)


def write(figures: Sequence[Figure], machine: Sequence[str], path: Path = RESULTS) -> None:
    """Replaces the sections of these figures."""
    former = path.read_text() if path.exists() else ""
    sections = {match[1]: match[0].rstrip() for match in _SECTION.finditer(former)}
    sections.update({figure.name: render(figure, machine) for figure in figures})
    path.write_text(_TITLE + "".join(f"\n{text}\n" for text in sections.values()))


def render(figure: Figure, machine: Sequence[str]) -> str:
    """One section: what was measured, on what, the table, the notes."""
    lines = [
        f"## {figure.name}",
        "",
        figure.what,
        "",
        *(f"- {line}" for line in machine),
        "",
        "| subject | median | against the first | samples | bar | met |",
        "|---|---|---|---|---|---|",
        *map(_row, figure.rows),
    ]
    if figure.notes:
        lines += ["", *figure.notes]
    return "\n".join(lines)


def _row(row: Row) -> str:
    met = {True: "yes", False: "**no**", None: ""}[row.is_met]
    cells = (row.subject, _spread(row.measured, row.unit), _spread(row.ratio, "×") if row.ratio else "")
    return "| " + " | ".join((*cells, str(row.measured.count), row.bar, met)) + " |"


def _spread(spread: Spread, unit: str) -> str:
    return f"{_number(spread.median)} {unit} ({_number(spread.p10)}–{_number(spread.p90)})"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}" if abs(value) < 10 else f"{value:.1f}"
