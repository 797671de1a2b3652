"""A process with an isolated child in the midst of a run: prints the child's id, and waits to be killed."""

import sys
import time
from pathlib import Path

from support.raw_child import open_raw_child

if __name__ == "__main__":
    with open_raw_child(Path(sys.argv[1])) as child:
        child.read_until("ready")
        child.run(sys.argv[2])
        child.read_until("line")
        sys.stdout.write(f"{child.process.pid}\n")
        sys.stdout.flush()
        time.sleep(600)
