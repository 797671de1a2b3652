"""How much to send next when something was refused: finds the one callback that spoils a batch."""

from typing import Final

ONE: Final = 1


class Triage:
    """Told how each batch fared, says how many callbacks the next one may hold, and whether to wait before it.

    A refused batch is followed by a single callback: when that is refused too, the console is taken to be down and
    asked with one callback at a time. When it is taken, the fault is in the batch, and the batch is halved until the
    culprit stands alone.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._spoiled = 0
        """How many of the callbacks in front are left of a batch that was refused."""
        self._probing = False
        self.is_down = False
        """The last callback that went alone was refused, and none has been taken since."""
        self.limit = most

    def accepted(self, size: int) -> None:
        self.is_down = False
        self._spoiled -= size
        if self._spoiled <= 0:
            self._all_clear()
        elif self._probing:
            self._probing = False
            self.limit = max(ONE, self._spoiled // 2)

    def refused(self, size: int) -> bool:
        """Returns whether the culprit may have been found: the batch was a single callback."""
        if size == ONE:
            self._all_clear()
            self.is_down, self.limit = True, ONE
            return True
        if self._spoiled <= 0:
            self._probing, self.limit = True, ONE
        else:
            self.limit = size // 2
        self._spoiled = size
        return False

    def _all_clear(self) -> None:
        self._spoiled, self._probing, self.limit = 0, False, self._most
