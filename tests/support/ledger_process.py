"""A process that accepts and finishes runs in a loop, and prints what the ledger has acknowledged.

python -m support.ledger_process FILE FIRST_LOG_ID [FSYNC]
"""

import sys
import threading
from pathlib import Path

from app.jobs.ledger.base import Acceptance
from app.jobs.ledger.sqlite import SqliteRunLedger
from support.jobs_support import build_record
from support.ledgers import done

WINDOW = 50


def main() -> None:
    ledger = SqliteRunLedger(Path(sys.argv[1]), fsync="fsync" in sys.argv)
    room = threading.Semaphore(WINDOW)

    def accepted(log_id: int, answer: Acceptance) -> None:
        assert answer.error is None
        say("accepted", log_id)
        ledger.update(done(build_record(log_id), message=f"rows of {log_id}"), lambda: finished(log_id))

    def finished(log_id: int) -> None:
        say("done", log_id)
        if log_id % 3 == 0:
            ledger.mark_reported([f"run-{log_id}"])
        room.release()

    log_id = int(sys.argv[2])
    while True:
        room.acquire()
        ledger.accept(build_record(log_id), lambda answer, log_id=log_id: accepted(log_id, answer))
        log_id += 1


def say(what: str, log_id: int) -> None:
    """One write a line: what the reader has read was acknowledged."""
    sys.stdout.write(f"{what} {log_id}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
