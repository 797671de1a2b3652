"""Growing pauses between attempts, with jitter so that executors don't knock in step."""

import random
from typing import Final

FIRST_SECONDS: Final = 0.5
LONGEST_SECONDS: Final = 10.0


class Backoff:
    """0.5 s, 1 s, 2 s … up to `longest`, each shortened by up to a quarter."""

    def __init__(self, first: float = FIRST_SECONDS, longest: float = LONGEST_SECONDS) -> None:
        self._first = first
        self.longest = longest
        self._delay = first

    def next(self) -> float:
        delay, self._delay = self._delay, min(self._delay * 2, self.longest)
        return delay * random.uniform(0.75, 1)  # noqa: S311 - jitter, no secret

    def reset(self) -> None:
        self._delay = self._first
