"""The value of the database resource: two engines over one database, and how they are closed without a failed query."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from typing import Final

from sqlalchemy import Engine
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import Session
from sqlalchemy.pool import QueuePool

from app.config.settings import DatabaseSettings

_DRAIN_POLL_SECONDS: Final = 0.05


class Leases:
    """Counts the transactions on one engine, from any thread.

    A session borrows its connection at the first statement, so the pool's own count misses those that are yet to.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._closing = False
        self.count = 0

    def take(self) -> None:
        with self._lock:
            self.count += 1

    def give_back(self) -> bool:
        """True when the engine was to be closed and this was its last transaction: the caller disposes of it."""
        with self._lock:
            self.count -= 1
            return self._closing and self.count == 0

    def close(self) -> bool:
        """True when nothing is in flight; else whoever gives back the last lease disposes of the engine."""
        with self._lock:
            self._closing = True
            return self.count == 0


@dataclass(frozen=True)
class Engines:
    """The async engine for requests and async jobs, the sync one for plain-function jobs. Drivers load at first use."""

    settings: DatabaseSettings
    address: str
    """`host:port` or the file: what messages may show."""
    engine: AsyncEngine
    sync_engine: Engine
    leases: Leases = field(default_factory=Leases)
    sync_leases: Leases = field(default_factory=Leases)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """One transaction: committed at the end, rolled back on any error. Stays on this engine."""
        self.leases.take()
        try:
            async with AsyncSession(self.engine, expire_on_commit=False) as session, session.begin():
                yield session
        finally:
            if self.leases.give_back():
                await self.engine.dispose()

    @contextmanager
    def sync_transaction(self) -> Iterator[Session]:
        """The same for plain functions."""
        self.sync_leases.take()
        try:
            with Session(self.sync_engine, expire_on_commit=False) as session, session.begin():
                yield session
        finally:
            if self.sync_leases.give_back():
                self.sync_engine.dispose()

    @property
    def in_flight(self) -> int:
        return self.leases.count + self.sync_leases.count

    def with_settings(self, settings: DatabaseSettings) -> "Engines":
        """The same pools under settings that differ in nothing a pool knows of."""
        return replace(self, settings=settings)

    def shares_pools_with(self, other: "Engines") -> bool:
        return self.engine is other.engine

    async def drain(self, seconds: float) -> int:
        """Waits until no transaction is in flight, then closes. Returns how many were left after `seconds`.

        Those that are left keep working: the last of them closes the engine.
        """
        deadline = asyncio.get_running_loop().time() + seconds
        try:
            while self.in_flight and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110 - threads count too
                await asyncio.sleep(_DRAIN_POLL_SECONDS)
        finally:
            left = self.in_flight
            await self.close()
        return left

    async def close(self) -> None:
        """Closes the engines that nobody uses now; the others are closed by their last transaction."""
        if self.leases.close():
            await self.engine.dispose()
        if self.sync_leases.close():
            await asyncio.to_thread(self.sync_engine.dispose)

    def pool_numbers(self) -> dict[str, int]:
        """How the pools are used right now."""
        pools = {"": self.engine.pool, "sync_": self.sync_engine.pool}
        numbers = {"limit": self.settings.pool_size + self.settings.max_overflow, "transactions": self.in_flight}
        for prefix, pool in pools.items():
            if isinstance(pool, QueuePool):
                numbers |= {f"{prefix}in_use": pool.checkedout(), f"{prefix}idle": pool.checkedin()}
        return numbers


@dataclass(frozen=True)
class DisabledDatabase:
    """Stands for a database with `enabled: false`: whoever uses it gets FeatureDisabled."""

    address: str = "disabled"
