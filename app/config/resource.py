"""What reacts to settings: the `Resource` port, and how it says no."""

from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from app.common.errors import AppError

S_contra = TypeVar("S_contra", contravariant=True)
T = TypeVar("T")


class Refused(AppError):
    """A resource can't work with these settings."""

    code = "RESOURCE_REFUSED"
    status = 409

    def __init__(self, reason: str, *, transient: bool = False) -> None:
        """`transient`: the text may be right and the other side is not there; the apply is tried again."""
        super().__init__(reason)
        self.transient = transient


@dataclass(frozen=True)
class Health:
    """What a resource says of itself: up or not, why not, and numbers worth showing (no secrets)."""

    up: bool
    reason: str = ""
    details: dict[str, Any] = field(default_factory=dict)


class Resource(Protocol, Generic[S_contra, T]):
    """A live thing built from one section of the settings, replaced in two phases."""

    name: str
    section: str

    async def prepare(self, new: S_contra, old: S_contra | None) -> T:
        """Builds the replacement; may connect. Raises Refused. Consumes nothing: the old one keeps working."""
        ...

    def commit(self, value: T) -> None:
        """The value is now the current one. No I/O, no await, must not raise."""
        ...

    async def settle(self, old: T | None) -> None:
        """Starts what consumes, drains and closes the old. A failure is an alert, never an undo."""
        ...

    async def discard(self, value: T) -> None:
        """Closes a prepared value that was not committed, or the current one at shutdown."""
        ...

    async def check(self) -> Health:
        """Asks the current value how it is; never raises, takes at most about a second."""
        ...
