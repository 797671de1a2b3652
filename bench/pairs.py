"""Measures subjects in turns (A B B A A B …), so that what drifts on the machine drifts for all of them alike."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class Spread:
    """A median, and between what eight of ten samples lie."""

    median: float
    p10: float
    p90: float
    count: int

    @classmethod
    def of(cls, samples: Sequence[float]) -> Self:
        """A single sample lies between itself and itself."""
        if len(samples) == 1:
            return cls(samples[0], samples[0], samples[0], 1)
        deciles = statistics.quantiles(samples, n=10, method="inclusive")
        return cls(statistics.median(samples), deciles[0], deciles[-1], len(samples))


def interleave(subjects: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """One sample of every subject a round; every second round goes backwards."""
    samples: dict[str, list[float]] = {name: [] for name in subjects}
    for number in range(rounds):
        order = list(subjects.items())
        for name, measure in reversed(order) if number % 2 else order:
            samples[name].append(measure())
    return samples


def ratio(numerators: Sequence[float], denominators: Sequence[float]) -> Spread:
    """The ratio within each pair."""
    return Spread.of([above / below for above, below in zip(numerators, denominators, strict=True)])
