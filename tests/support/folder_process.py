"""A process that owns an instance's folder with one finished and one unfinished run, until it is killed.

python -m support.folder_process DATA_DIR INSTANCE
"""

import sys
import threading
from pathlib import Path

from app.jobs.ledger.sqlite import SqliteRunLedger
from app.xxl_job.executor.ledger_folder import claimed_folder, runs_file
from support.jobs_support import build_record
from support.ledgers import accepted, finished


def main() -> None:
    with claimed_folder(Path(sys.argv[1]), sys.argv[2]) as folder:
        ledger = SqliteRunLedger(runs_file(folder))
        finished(ledger, build_record(1))
        accepted(ledger, build_record(2))
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        threading.Event().wait()


if __name__ == "__main__":
    main()
