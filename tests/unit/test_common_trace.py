"""The trace rule."""

import re

import pytest

from app.common.trace import (
    build_traceparent,
    choose_trace_id,
    is_valid_trace_id,
    new_trace_id,
    parse_traceparent,
    run_trace_id,
    w3c_trace_id,
)

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (PARENT, TRACE),
        (f"  {PARENT} ", TRACE),
        (f"00-{TRACE}-00f067aa0ba902b7-00", TRACE),
        (f"cc-{TRACE}-00f067aa0ba902b7-01-what-comes", TRACE),
        (f"{PARENT}-more", None),
        (f"ff-{TRACE}-00f067aa0ba902b7-01", None),
        (f"00-{'0' * 32}-00f067aa0ba902b7-01", None),
        (f"00-{TRACE}-{'0' * 16}-01", None),
        (PARENT.upper(), None),
        (PARENT[:-1], None),
        (f"00-{TRACE}", None),
        ("", None),
    ],
)
def test_only_a_valid_traceparent_gives_a_trace_id(value: str, expected: str | None) -> None:
    assert parse_traceparent(value) == expected


@pytest.mark.parametrize("value", ["a", "A-1_b.c", "x" * 64, TRACE])
def test_valid_ids(value: str) -> None:
    assert is_valid_trace_id(value)


@pytest.mark.parametrize("value", ["", "x" * 65, "a b", "a\n", "ä", "a/b", "<script>", "a;b"])
def test_invalid_ids(value: str) -> None:
    assert not is_valid_trace_id(value)


def test_the_name_that_people_know_is_kept_where_both_headers_name_one_trace() -> None:
    name = "xxl-orders-1842"
    assert choose_trace_id(build_traceparent(name), name) == name
    assert choose_trace_id(build_traceparent("another"), name) == w3c_trace_id("another")


def test_the_traceparent_goes_before_the_header_and_the_header_before_a_new_id() -> None:
    assert choose_trace_id(PARENT, "order-7") == TRACE
    assert choose_trace_id("broken", "order-7") == "order-7"
    assert choose_trace_id(None, "order-7") == "order-7"
    assert re.fullmatch(r"[0-9a-f]{32}", choose_trace_id(None, None))


def test_an_invalid_header_is_replaced_and_never_echoed() -> None:
    assert re.fullmatch(r"[0-9a-f]{32}", choose_trace_id("broken", "a\nb"))


def test_new_ids_differ() -> None:
    assert len({new_trace_id() for _ in range(100)}) == 100


def test_an_id_of_32_hex_digits_is_its_own_w3c_id_and_others_get_their_md5() -> None:
    assert w3c_trace_id(TRACE) == TRACE
    assert w3c_trace_id("xxl-tenon-executor-7") == "3f08ae2bf96a6037b438bd09cbafab21"
    assert w3c_trace_id("0" * 32) == "cd9e459ea708a948d5c2f5a6ca8838cf"


def test_the_next_hop_gets_a_valid_traceparent_with_a_new_parent() -> None:
    first, second = build_traceparent(TRACE), build_traceparent(TRACE)
    assert parse_traceparent(first) == parse_traceparent(second) == TRACE
    assert first != second


def test_the_log_id_of_a_run_leads_to_its_trace() -> None:
    assert run_trace_id("tenon-executor", 7) == "xxl-tenon-executor-7"


@pytest.mark.parametrize("app_name", ["x" * 100, "执行器", "a b/c", ""])
def test_a_run_s_trace_id_is_valid_whatever_the_name(app_name: str) -> None:
    assert is_valid_trace_id(run_trace_id(app_name, 2**63 - 1))
