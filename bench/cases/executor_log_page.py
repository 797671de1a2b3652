"""A page of a job log over HTTP: how long it takes at the end of a long log."""

import contextlib
import http.client
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bench.contest import home
from bench.driver import TOKEN, Driver, open_driver
from bench.executors import STOCK, our_executor, registered, stock_executor
from bench.figure import Figure, Options, Row
from bench.pairs import Spread, interleave, ratio
from bench.process import HOST

LINES, STOCK_LINES, PAGE_LINES = 1_000_000, 10_000, 100
PAGES_A_SAMPLE = 20
LONGEST_PAGE_SECONDS = 60
BAR_MS, BAR = 5.0, 2.0
LOG_SETTINGS = "log_max_mb: 1024"


@dataclass(frozen=True)
class Log:
    """A run's log on an executor."""

    port: int
    log_id: int
    log_date_time: int
    lines: int

    def fetch(self, from_line: int) -> float:
        """Seconds for one page. Raises RuntimeError unless it begins there and ends with the last line."""
        body = json.dumps({"logId": self.log_id, "logDateTim": self.log_date_time, "fromLineNum": from_line})
        connection = http.client.HTTPConnection(HOST, self.port, timeout=LONGEST_PAGE_SECONDS)
        with contextlib.closing(connection):
            connection.connect()
            began = time.perf_counter()
            connection.request("POST", "/log", body, {"XXL-JOB-ACCESS-TOKEN": TOKEN, "User-Agent": "Java/17.0.15"})
            answer = connection.getresponse().read()
            seconds = time.perf_counter() - began
        page: dict[str, Any] = json.loads(answer)["content"]
        if page["fromLineNum"] != from_line or page["toLineNum"] < self.lines:
            raise RuntimeError(f"not the page asked for: {str(page)[:300]}")
        return seconds


def measure(options: Options) -> Figure:
    """Milliseconds a page."""
    from servers.ports import free_port  # noqa: PLC0415 - on the path only once bench has started

    lines, stock_lines = options.scaled(LINES), options.scaled(STOCK_LINES)
    with contextlib.ExitStack() as stack:
        driver = stack.enter_context(open_driver())
        ours, theirs = free_port(), free_port()
        stack.enter_context(registered(our_executor(home(stack), driver, ours, extra=LOG_SETTINGS), driver, 20))
        stack.enter_context(registered(stock_executor(home(stack), driver, theirs), driver, 20))
        first, last = f"first page of a log of {PAGE_LINES} lines", f"last page of a log of {lines:,} lines"
        stock = f"{STOCK}: last page of a log of {stock_lines:,} lines"
        subjects = {
            first: _subject(_written(driver, ours, PAGE_LINES), PAGES_A_SAMPLE),
            last: _subject(_written(driver, ours, lines), PAGES_A_SAMPLE),
            stock: _subject(_written(driver, theirs, stock_lines), 1),
        }
        for warm in subjects.values():
            warm()
        samples = interleave(subjects, options.pairs)
    spread, against = Spread.of(samples[last]), ratio(samples[last], samples[first])
    rows = [
        Row(last, spread, "ms", bar=f"≤ {BAR_MS:g} ms", is_met=spread.median <= BAR_MS),
        Row(first, Spread.of(samples[first]), "ms", against, f"≤ {BAR:g}×", against.median <= BAR),
        Row(stock, Spread.of(samples[stock]), "ms", ratio(samples[last], samples[stock])),
    ]
    return Figure(
        "executor_log_page",
        f"`POST /log` for the last {PAGE_LINES} lines of a finished run, about 160 bytes a line; a sample is the "
        f"median of {PAGES_A_SAMPLE} pages, one of stock pyxxl's. The ratio is the long log's last page over "
        "the subject's.",
        rows,
        ["Stock pyxxl reads a log from its first line for every page: at a million lines it takes minutes."],
    )


def _written(driver: Driver, port: int, lines: int) -> Log:
    """A log that a run has written, of at least so many lines."""
    loaded = driver.load(port, 1, connections=1, handler="write_lines", param=str(lines))
    return Log(port, loaded.log_id, loaded.log_date_time, lines)


def _subject(log: Log, pages: int) -> Callable[[], float]:
    from_line = max(1, log.lines - PAGE_LINES + 1)
    return lambda: statistics.median(log.fetch(from_line) for _ in range(pages)) * 1000
