"""What a process of its own costs a run, once the pool is warm."""

import contextlib
from collections.abc import Callable

from bench.contest import home
from bench.driver import Driver, open_driver
from bench.executors import our_executor, registered
from bench.figure import Figure, Options, Row
from bench.pairs import Spread, interleave, ratio

RUNS, WARM_RUNS = 200, 20
THREAD, PROCESS = "in a thread", 'isolation="process"'
BAR_MS = 3.0


def measure(options: Options) -> Figure:
    """Milliseconds from the trigger to the callback."""
    from servers.ports import free_port  # noqa: PLC0415 - on the path only once bench has started

    runs = options.scaled(RUNS)
    with contextlib.ExitStack() as stack:
        driver = stack.enter_context(open_driver())
        port = free_port()
        stack.enter_context(registered(our_executor(home(stack), driver, port), driver, WARM_RUNS))
        subjects = {
            THREAD: _subject(driver, port, runs, "plain_noop"),
            PROCESS: _subject(driver, port, runs, "isolated_noop"),
        }
        for handler in ("plain_noop", "isolated_noop"):
            driver.load(port, WARM_RUNS, window=1, connections=1, handler=handler)
        samples = interleave(subjects, options.pairs)
    beyond = Spread.of([own - thread for own, thread in zip(samples[PROCESS], samples[THREAD], strict=True)])
    return Figure(
        "executor_isolation",
        f"A plain function that does nothing, {runs} runs one after the other on a warm pool of one process: median "
        "milliseconds from the trigger to the callback.",
        [
            Row(THREAD, Spread.of(samples[THREAD]), "ms"),
            Row(PROCESS, Spread.of(samples[PROCESS]), "ms", ratio(samples[PROCESS], samples[THREAD])),
            Row(f"{PROCESS}, beyond a thread's", beyond, "ms", None, f"≤ {BAR_MS:g} ms", beyond.median <= BAR_MS),
        ],
        ["The ratio is the process's over the thread's."],
    )


def _subject(driver: Driver, port: int, runs: int, handler: str) -> Callable[[], float]:
    return lambda: driver.load(port, runs, window=1, connections=1, handler=handler).callback_p50_ms
