"""The console's addresses: which to ask first, and what each of them speaks."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.common.logger import log
from app.xxl_job.executor.dialect import Dialect


@dataclass
class ConsoleAddress:
    """One of the addresses; several are one console with one database."""

    url: str
    dialect: Dialect | None = None
    """None: not known, or not any more since it couldn't be reached: it may come back as another version."""

    def speaks(self, dialect: Dialect) -> None:
        if dialect is not self.dialect:
            log.bind(console=self.url, dialect=str(dialect)).info("console's dialect found")
        self.dialect = dialect


class ConsoleAddresses:
    """Remembers what was learned of each address for as long as it is configured."""

    def __init__(self) -> None:
        self._known: dict[str, ConsoleAddress] = {}
        self._favourite: str | None = None

    def in_order(self, urls: Sequence[str]) -> list[ConsoleAddress]:
        """As configured, but the one that accepted something last comes first: a dead one costs its timeout once."""
        if list(self._known) != list(urls):
            self._known = {url: self._known.get(url) or ConsoleAddress(url) for url in urls}
        return sorted(self._known.values(), key=lambda address: address.url != self._favourite)

    def prefer(self, address: ConsoleAddress) -> None:
        self._favourite = address.url
