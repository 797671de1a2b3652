"""The console's log page, by the rules of its script, over HTTP."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from app.testing.fake_console import FakeConsole

LOOK_SECONDS: Final = 0.1
"""The script waits 3 s; here a run is over sooner."""


@dataclass
class ConsolePage:
    """One run's page, opened."""

    console: FakeConsole
    address: str
    body: dict[str, Any]

    def pull(self, from_line: int) -> dict[str, Any]:
        return self.console.calls.read_log(self.address, self.body["logId"], self.body["logDateTime"], from_line)

    def watch(self) -> str:
        """What it shows of a running run, until it is at the end of one that is over."""
        text, line = "", 1
        while True:
            over = self.console.outcome_of(self.body["logId"]) is not None
            page = self.pull(line)
            if page["fromLineNum"] <= page["toLineNum"]:
                text, line = text + page["logContent"], page["toLineNum"] + 1
            elif over:
                return text
            else:
                time.sleep(LOOK_SECONDS)

    def open_finished(self) -> str:
        """It pulls one page and no more."""
        return str(self.pull(1)["logContent"])

    def pages(self) -> Iterator[str]:
        """For who asks on."""
        line = 1
        while (page := self.pull(line))["fromLineNum"] <= page["toLineNum"]:
            yield page["logContent"]
            line = page["toLineNum"] + 1


def numbers_in(text: str) -> list[int]:
    """The numbers of a log whose every line ends with one."""
    return [int(line.rpartition("number=")[2]) for line in text.splitlines() if "number=" in line]
