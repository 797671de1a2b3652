"""Vendor-free counters, gauges and histograms. Who writes knows no exporter; an exporter reads `REGISTRY.collect()`.

A metric keeps at most `max_series` label combinations; further ones are counted together under `other`, so that a
label that turns out to be unbounded costs accuracy, not memory. Every change takes the metric's lock: exact from any
thread.
"""

import threading
from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeVar

Kind = Literal["counter", "gauge", "histogram"]
LabelValues = tuple[str, ...]

OTHER: Final = "other"
MAX_SERIES: Final = 1000
SECONDS_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
RUN_BUCKETS: Final = (0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0)


@dataclass(frozen=True, slots=True)
class Distribution:
    """One histogram series: how many observations were at most each bound, in total, and their sum."""

    buckets: tuple[tuple[float, int], ...]
    count: int
    total: float


@dataclass(frozen=True, slots=True)
class Family:
    """One metric as an exporter sees it: its series by label values, in the order of `labels`."""

    name: str
    kind: Kind
    description: str
    labels: tuple[str, ...]
    series: Mapping[LabelValues, float | Distribution]


class Metric:
    """What all kinds share: a name, label names, and a bounded set of series."""

    kind: Kind

    def __init__(self, name: str, description: str, labels: tuple[str, ...] = (), max_series: int = MAX_SERIES) -> None:
        self.name = name
        self.description = description
        self.labels = labels
        self._max_series = max_series
        self._lock = threading.Lock()
        self._overflow = (OTHER,) * len(labels)

    def _key(self, labels: dict[str, str]) -> LabelValues:
        if len(labels) != len(self.labels):
            raise ValueError(f"{self.name} has the labels {self.labels}")
        return tuple([labels[name] for name in self.labels])

    def _admit(self, key: LabelValues, series: Mapping[LabelValues, object]) -> LabelValues:
        """The key itself while there is room for it, else the one that stands for all others."""
        return key if key in series or len(series) < self._max_series else self._overflow

    def collect(self) -> Family:
        """The present values."""
        with self._lock:
            return Family(self.name, self.kind, self.description, self.labels, self._read())

    def _read(self) -> Mapping[LabelValues, float | Distribution]:
        raise NotImplementedError


class Counter(Metric):
    """Only goes up."""

    kind: Kind = "counter"

    def __init__(self, name: str, description: str, labels: tuple[str, ...] = (), max_series: int = MAX_SERIES) -> None:
        super().__init__(name, description, labels, max_series)
        self._values: dict[LabelValues, float] = {}

    def inc(self, amount: float = 1, **labels: str) -> None:
        """Adds to the series of these labels."""
        self.inc_series(self._key(labels), amount)

    def inc_series(self, values: LabelValues, amount: float = 1) -> None:
        """`inc` for hot paths: the labels' values in the order of `labels`."""
        with self._lock:
            if values not in self._values:
                values = self._admit(values, self._values)
                self._values.setdefault(values, 0)
            self._values[values] += amount

    def value(self, **labels: str) -> float:
        """The series' value; 0 when it was never counted."""
        return self._values.get(self._key(labels), 0)

    def _read(self) -> Mapping[LabelValues, float | Distribution]:
        return dict(self._values)


class Gauge(Counter):
    """Goes up and down, or is read from where the number lives."""

    kind: Kind = "gauge"

    def __init__(self, name: str, description: str, labels: tuple[str, ...] = (), max_series: int = MAX_SERIES) -> None:
        super().__init__(name, description, labels, max_series)
        self._source: Callable[[], float] | None = None

    def dec(self, amount: float = 1, **labels: str) -> None:
        """Subtracts from the series of these labels."""
        self.inc(-amount, **labels)

    def set(self, value: float, **labels: str) -> None:
        """Sets the series of these labels."""
        key = self._key(labels)
        with self._lock:
            self._values[self._admit(key, self._values)] = value

    def read_from(self, source: Callable[[], float]) -> None:
        """From now on a gauge without labels is what `source` says when somebody looks."""
        self._source = source

    def value(self, **labels: str) -> float:
        """The series' present value."""
        return self._source() if self._source is not None else super().value(**labels)

    def _read(self) -> Mapping[LabelValues, float | Distribution]:
        return {(): self._source()} if self._source is not None else super()._read()


class Histogram(Metric):
    """How observations spread over buckets."""

    kind: Kind = "histogram"

    def __init__(
        self,
        name: str,
        description: str,
        labels: tuple[str, ...] = (),
        bounds: tuple[float, ...] = SECONDS_BUCKETS,
        max_series: int = MAX_SERIES,
    ) -> None:
        super().__init__(name, description, labels, max_series)
        self._bounds = bounds
        self._counts: dict[LabelValues, list[int]] = {}
        self._totals: dict[LabelValues, float] = {}

    def observe(self, value: float, **labels: str) -> None:
        """Counts one observation in the series of these labels."""
        self.observe_series(self._key(labels), value)

    def observe_series(self, values: LabelValues, value: float) -> None:
        """`observe` for hot paths: the labels' values in the order of `labels`."""
        bucket = bisect_left(self._bounds, value)
        with self._lock:
            if values not in self._counts:
                values = self._admit(values, self._counts)
                self._counts.setdefault(values, [0] * (len(self._bounds) + 1))
                self._totals.setdefault(values, 0.0)
            self._counts[values][bucket] += 1
            self._totals[values] += value

    def _read(self) -> Mapping[LabelValues, float | Distribution]:
        return {key: self._distribution(counts, self._totals[key]) for key, counts in self._counts.items()}

    def _distribution(self, counts: list[int], total: float) -> Distribution:
        at_most: list[tuple[float, int]] = []
        running = 0
        for bound, count in zip(self._bounds, counts, strict=False):
            running += count
            at_most.append((bound, running))
        return Distribution(tuple(at_most), sum(counts), total)


MetricT = TypeVar("MetricT", bound=Metric)


class Registry:
    """The metrics of a process, by name."""

    def __init__(self) -> None:
        self._metrics: dict[str, Metric] = {}

    def add(self, metric: MetricT) -> MetricT:
        """Registers a metric and returns it; ValueError for a name that is taken."""
        if metric.name in self._metrics:
            raise ValueError(f"the metric {metric.name} exists already")
        self._metrics[metric.name] = metric
        return metric

    def collect(self) -> list[Family]:
        """Every metric's present values."""
        return [metric.collect() for metric in self._metrics.values()]


REGISTRY: Final = Registry()

REQUESTS: Final = REGISTRY.add(
    Counter("http_requests_total", "Requests answered, by class of status (2xx).", ("route", "method", "status"))
)
REQUESTS_IN_FLIGHT: Final = REGISTRY.add(Gauge("http_requests_in_flight", "Requests being answered at present."))
REQUEST_SECONDS: Final = REGISTRY.add(
    Histogram("http_request_seconds", "From the request's arrival to the end of its answer.", ("route", "method"))
)
SETTINGS_APPLIES: Final = REGISTRY.add(Counter("settings_applies_total", "Settings texts handled.", ("outcome",)))
SETTINGS_FROM_LAST_GOOD: Final = REGISTRY.add(
    Gauge("settings_from_last_good", "1 while the last known good settings serve instead of the source's.")
)
RUNS: Final = REGISTRY.add(Counter("job_runs_total", "Job runs that ended.", ("handler", "outcome")))
RUN_SECONDS: Final = REGISTRY.add(
    Histogram("job_run_seconds", "How long a handler ran.", ("handler",), bounds=RUN_BUCKETS)
)
ABANDONED_RUNS: Final = REGISTRY.add(
    Counter("job_runs_abandoned_total", "Runs that ended for the console while their thread went on.", ("handler",))
)
GIL_HELD: Final = REGISTRY.add(
    Counter("job_gil_held_total", "Calls that held the interpreter and with it the whole process.", ("handler",))
)
LOG_LINES_DROPPED: Final = REGISTRY.add(Gauge("log_lines_dropped", "Log lines that were never written."))
