"""Which jobs the project has: found by loading its job modules, as the executor does."""

import asyncio
from collections.abc import Iterable

from app.common.errors import StartupError, Unavailable
from app.jobs.loading import load_job_modules
from app.jobs.registry import JobDefinition, JobRegistry


class JobCatalogue:
    """Loads the modules when somebody first asks: the web process itself runs no job and needs none of them."""

    def __init__(self, modules: Iterable[str]) -> None:
        self._modules = tuple(modules)
        self._registry: JobRegistry | None = None

    async def list_all(self) -> list[JobDefinition]:
        """Every job, by name. Raises Unavailable, naming the module, when one can't be imported."""
        if self._registry is None:
            try:
                self._registry = await asyncio.to_thread(load_job_modules, self._modules)
            except StartupError as error:
                raise Unavailable(error.message) from error
        return [self._registry.get(name) for name in self._registry.names()]
