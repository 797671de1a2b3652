"""A whole executor between a fake console and a load of triggers, and the account at the end."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from app.testing.fake_console import FakeConsole
from servers.ports import HOST
from servers.waiting import wait_for
from support.ledger_account import Account, Figures
from support.load import Answered, Load
from support.notes import NOTES_VARIABLE, read_notes
from support.processes import ACCESS_TOKEN, AppProcess, Deployment

PAGE: Final = 1000
PROC: Final = Path("/proc")


@dataclass
class Scene:
    """One executor through all of its lives."""

    deployment: Deployment
    console: FakeConsole
    load: Load
    notes: Path
    process: AppProcess | None = None

    def start(self) -> AppProcess:
        self.process = self.deployment.start_executor()
        return self.process

    def kill(self) -> None:
        """As the kernel does it: nothing can be done about it."""
        assert self.process is not None
        self.process.kill()

    def stop(self, seconds: float = 30) -> int:
        """SIGTERM; returns the exit code."""
        assert self.process is not None
        return self.process.terminate(seconds)

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.popen.pid

    @property
    def address(self) -> str:
        """What the console was told."""
        return self.console.registrations[0]["registryValue"]

    def ask(self, path: str, body: Any = None) -> dict[str, Any]:
        """As the console asks, and with its patience."""
        return self.console.calls.ask(self.address, path, body)

    def runs(self, **query: Any) -> list[dict[str, Any]]:
        """Every run of the ledger, newest first."""
        found: list[dict[str, Any]] = []
        with httpx.Client(trust_env=False, timeout=30) as client:
            while True:
                params = {"limit": PAGE, **query} | ({"before": found[-1]["sequence"]} if found else {})
                page = client.get(
                    f"http://{HOST}:{self.deployment.executor_port}/runs",
                    params=params,
                    headers={"XXL-JOB-ACCESS-TOKEN": ACCESS_TOKEN},
                ).json()["data"]
                found += page
                if len(page) < PAGE:
                    return found

    def untold(self) -> set[int]:
        """Accepted, and not known to the console yet."""
        accepted = {one.log_id for one in self.load.sent if one.answered is Answered.ACCEPTED}
        return accepted - {item["logId"] for item in list(self.console.callbacks)}

    def settle(self, seconds: float = 60) -> Figures:
        """Waits until nothing is left to do or to tell, and draws up the account."""
        wait_for(lambda: not self.untold(), seconds=seconds, what=f"the callbacks of {len(self.untold())} runs")
        wait_for(lambda: not self.runs(state="accepted,queued,running,done"), seconds=15, what="a ledger at rest")
        return Account(list(self.load.sent), self.console, read_notes(self.notes), self.runs()).check()

    def open_files(self) -> int:
        return len(os.listdir(PROC / str(self.pid) / "fd"))  # noqa: PTH208 - counts names, makes no paths of them

    def rss_bytes(self) -> int:
        return int((PROC / str(self.pid) / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def open_scene(home: Path, **xxl_job: Any) -> Iterator[Scene]:
    """A started, registered executor; `xxl_job`: more settings of that section."""
    home.mkdir(parents=True, exist_ok=True)
    notes = home / "notes"
    with FakeConsole(ACCESS_TOKEN, slow_seconds=1.0) as console, Deployment(home) as deployment:
        deployment.variables[NOTES_VARIABLE] = str(notes)
        deployment.write_config(deployment.document(url=console.url, **xxl_job))
        scene = Scene(deployment, console, Load(deployment.executor_port, ACCESS_TOKEN), notes)
        scene.start()
        wait_for(lambda: console.registrations, what="the registration")
        yield scene
