"""A run's flag is an event that costs nothing until somebody waits."""

import threading
import time

from app.jobs.stop_flag import StopFlag


def test_it_is_set_once_and_stays_set() -> None:
    flag = StopFlag()
    assert not flag.is_set()
    flag.set()
    flag.set()
    assert flag.is_set()
    assert flag.wait(60)


def test_who_waits_is_woken() -> None:
    flag, woken = StopFlag(), []
    threads = [threading.Thread(target=lambda: woken.append(flag.wait(10))) for _ in range(3)]
    for thread in threads:
        thread.start()
    flag.set()
    for thread in threads:
        thread.join()
    assert woken == [True, True, True]


def test_a_wait_that_is_over_says_that_it_is_not_set() -> None:
    began = time.monotonic()
    assert not StopFlag().wait(0.01)
    assert time.monotonic() - began >= 0.01
