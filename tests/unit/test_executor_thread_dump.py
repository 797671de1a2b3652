"""faulthandler's text, read back."""

from functools import wraps
from typing import Any

from app.xxl_job.executor.thread_dump import ThreadStack, parse_dumps

TEXT = """Timeout (0:00:01)!
Thread 0x00007f50373226c0 (most recent call first):
  File "/srv/jobs.py", line 6 in fetch
  File "/srv/jobs.py", line ??? in report

Thread 0x00007f503880eb80 (most recent call first):
  File "/usr/lib/python3.11/selectors.py", line 468 in select
Timeout (0:00:01)!
Thread 0x00007f50373226c0 (most recent call first):
  File "/srv/jobs.py", line 7 in fetch
"""


def test_dumps_stand_in_their_order_each_with_its_threads() -> None:
    first, second = parse_dumps(TEXT)
    assert first == [
        ThreadStack(0x7F50373226C0, (("/srv/jobs.py", "6", "fetch"), ("/srv/jobs.py", "???", "report"))),
        ThreadStack(0x7F503880EB80, (("/usr/lib/python3.11/selectors.py", "468", "select"),)),
    ]
    assert second == [ThreadStack(0x7F50373226C0, (("/srv/jobs.py", "7", "fetch"),))]


def test_what_is_cut_or_unknown_is_passed_over() -> None:
    assert parse_dumps('  File "/srv/jobs.py", line 6 in fetch\nThread 0x1 (most') == []
    assert parse_dumps('Timeout (0:00:01)!\n...\nThread 0x1f (most recent call first):\n  File "/srv') == [
        [ThreadStack(0x1F, ())]
    ]


def test_a_stack_as_text_has_the_innermost_frame_first() -> None:
    stack = ThreadStack(1, (("/srv/jobs.py", "6", "fetch"), ("/srv/jobs.py", "9", "report")))
    assert stack.text == "/srv/jobs.py:6 fetch < /srv/jobs.py:9 report"


def plain() -> None: ...


@wraps(plain)
def decorated(*args: Any) -> None:
    plain(*args)


def test_a_function_is_found_in_a_stack_also_behind_its_decorator() -> None:
    inside = ThreadStack(1, ((__file__, "1", "helper"), (__file__, "40", "plain")))
    assert inside.is_inside(plain)
    assert inside.is_inside(decorated)
    assert not ThreadStack(1, (("/srv/other.py", "40", "plain"),)).is_inside(plain)
    assert not inside.is_inside(print)
