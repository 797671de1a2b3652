"""A ledger whose disk is full for a while: no file may grow beyond a limit, then it may again.

python -m support.full_disk_process FILE: prints one JSON object of what was seen.
"""

import json
import resource
import sys
import threading
import time
from pathlib import Path

from app.jobs.ledger.base import Acceptance
from app.jobs.ledger.sqlite import SqliteRunLedger
from support.jobs_support import build_record
from support.ledgers import accepted, done

RUNS = 50


def main() -> None:
    path = Path(sys.argv[1])
    ledger = SqliteRunLedger(path, retry_seconds=0.05)
    for number in range(1, RUNS + 1):
        assert accepted(ledger, build_record(number)).error is None
    stored: list[int] = []
    limit_files(largest_of(path) + 4096)
    for number in range(1, RUNS + 1):
        ledger.update(done(build_record(number), message="m" * 15_000), lambda number=number: stored.append(number))
    refused = wait_for_refusal(ledger)
    stored_while_full = len(stored)
    seen = sum(record.outcome is not None for number in range(1, RUNS + 1) if (record := ledger.find(f"run-{number}")))
    limit_files(resource.RLIM_INFINITY)
    wait_until(lambda: len(stored) == RUNS)
    report = {
        "refused": refused,
        "stored_while_full": stored_while_full,
        "seen_while_full": seen,
        "order_kept": stored == sorted(stored),
        "accepted_again": accepted(ledger, build_record(999)).error is None,
        "unreported": len(ledger.list_unreported(1000)),
    }
    sys.stdout.write(json.dumps(report))
    ledger.close()


def largest_of(path: Path) -> int:
    return max(file.stat().st_size for file in path.parent.iterdir())


def limit_files(size: int) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))


def wait_for_refusal(ledger: SqliteRunLedger) -> str:
    reasons: list[str] = []

    def try_once() -> bool:
        answers: list[Acceptance] = []
        answered = threading.Event()
        ledger.accept(build_record(500), lambda answer: (answers.append(answer), answered.set()))
        assert answered.wait(10)
        if answers[0].error is None:
            ledger.withdraw("run-500")
            return False
        reasons.append(answers[0].error.message)
        return True

    wait_until(try_once)
    return reasons[0]


def wait_until(condition: object) -> None:
    assert callable(condition)
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


if __name__ == "__main__":
    main()
