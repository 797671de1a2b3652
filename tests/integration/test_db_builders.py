"""Which drivers a process loads: only a fresh one can tell."""

import subprocess
import sys
from pathlib import Path


def test_only_the_configured_drivers_are_loaded(tmp_path: Path) -> None:
    program = """
import sys
from pathlib import Path
from app.config.db.builders import make_ready
from app.config.db.db_mysql import DatabaseResource
from app.config.settings import DatabaseSettings

def show():
    print([name for name in ("aiomysql", "aiosqlite", "pymysql") if name in sys.modules])

show()
make_ready(DatabaseSettings(), Path(sys.argv[1]))
show()
make_ready(DatabaseSettings(host="db"), Path("/nonexistent"))
show()
"""
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines() == ["[]", "['aiosqlite']", "['aiomysql', 'aiosqlite', 'pymysql']"]
