"""The log of a run in memory."""

from app.jobs.run_log import MemoryRunLog


def test_lines_are_kept_in_order_until_it_is_closed() -> None:
    run_log = MemoryRunLog()
    run_log.write("one\n")
    run_log.write("two\n")
    run_log.close()
    run_log.write("late\n")
    assert (run_log.text, run_log.closed) == ("one\ntwo\n", True)
