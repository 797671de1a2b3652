"""Which runs were executed, by their own account: one line an execution, appended in one write."""

import os
from collections import Counter
from pathlib import Path
from typing import Final

NOTES_VARIABLE: Final = "NOTES_FILE"


def write_note(file: str, log_id: int) -> None:
    """Survives the death of the process that wrote it."""
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, f"{log_id}\n".encode())
    finally:
        os.close(descriptor)


def read_notes(file: Path) -> Counter[int]:
    """How often each log id was executed."""
    return Counter(map(int, file.read_text().split())) if file.exists() else Counter()
