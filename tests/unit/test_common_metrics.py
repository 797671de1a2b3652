"""Counters, gauges and histograms: exact from many threads, bounded in series."""

import threading

import pytest

from app.common.metrics import REGISTRY, Counter, Distribution, Gauge, Histogram, Registry


def test_a_counter_counts_by_labels() -> None:
    counter = Counter("runs", "", ("job", "outcome"))
    counter.inc(job="a", outcome="success")
    counter.inc(2, outcome="failed", job="a")
    counter.inc_series(("a", "success"))
    assert counter.collect().series == {("a", "success"): 2, ("a", "failed"): 2}
    assert counter.value(job="a", outcome="success") == 2
    assert counter.value(job="never", outcome="success") == 0


def test_labels_must_be_those_of_the_metric() -> None:
    counter = Counter("runs", "", ("job",))
    with pytest.raises(ValueError, match="runs has the labels"):
        counter.inc()
    with pytest.raises(KeyError):
        counter.inc(task="a")


def test_too_many_series_are_counted_together() -> None:
    counter = Counter("requests", "", ("route", "method"), max_series=2)
    for route in ("/a", "/b", "/c", "/d", "/a"):
        counter.inc(route=route, method="GET")
    assert counter.collect().series == {("/a", "GET"): 2, ("/b", "GET"): 1, ("other", "other"): 2}


def test_no_count_is_lost_between_threads() -> None:
    counter, histogram = Counter("c", "", ("a",)), Histogram("h", "", ("a",))

    def work() -> None:
        for _ in range(5000):
            counter.inc(a="x")
            histogram.observe(1.0, a="x")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counter.value(a="x") == 20_000
    found = histogram.collect().series["x",]
    assert isinstance(found, Distribution)
    assert (found.count, found.total) == (20_000, 20_000.0)


def test_a_gauge_goes_up_and_down() -> None:
    gauge = Gauge("in_flight", "")
    gauge.inc()
    gauge.inc()
    gauge.dec()
    assert gauge.value() == 1
    gauge.set(7)
    assert gauge.collect().series == {(): 7}


def test_a_gauge_can_be_read_from_where_the_number_lives() -> None:
    numbers = [3]
    gauge = Gauge("dropped", "")
    gauge.read_from(lambda: numbers[-1])
    numbers.append(4)
    assert gauge.value() == 4
    assert gauge.collect().series == {(): 4}


def test_a_histogram_counts_what_is_at_most_each_bound() -> None:
    histogram = Histogram("seconds", "", ("route",), bounds=(0.1, 1.0))
    for value in (0.05, 0.1, 0.5, 3.0):
        histogram.observe(value, route="/a")
    expected = Distribution(buckets=((0.1, 2), (1.0, 3)), count=4, total=pytest.approx(3.65))
    assert histogram.collect().series == {("/a",): expected}


def test_too_many_series_of_a_histogram_are_counted_together() -> None:
    histogram = Histogram("seconds", "", ("route",), max_series=1)
    for route in ("/a", "/b", "/c"):
        histogram.observe(1, route=route)
    assert {key: series.count for key, series in histogram.collect().series.items()} == {("/a",): 1, ("other",): 2}


def test_what_was_collected_does_not_change_afterwards() -> None:
    counter = Counter("c", "")
    counter.inc()
    family = counter.collect()
    counter.inc()
    assert family.series == {(): 1}


def test_a_registry_holds_each_name_once() -> None:
    registry = Registry()
    registry.add(Counter("a", "first"))
    with pytest.raises(ValueError, match="the metric a exists already"):
        registry.add(Gauge("a", "second"))
    assert [(family.name, family.kind, family.description) for family in registry.collect()] == [
        ("a", "counter", "first")
    ]


def test_the_chassis_counts_requests_runs_applies_and_lost_lines() -> None:
    assert {
        "http_requests_total",
        "http_requests_in_flight",
        "http_request_seconds",
        "settings_applies_total",
        "job_runs_total",
        "log_lines_dropped",
    } <= {family.name for family in REGISTRY.collect()}
