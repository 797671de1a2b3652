"""Loads job modules by name, so that no other room has to import them."""

import importlib
import pkgutil
import sys
from collections.abc import Callable, Iterable, Iterator
from types import ModuleType

from app.common.errors import StartupError
from app.common.supervision import failure_of_call
from app.jobs.registry import JobRegistry, default_registry

Adopt = Callable[[ModuleType, JobRegistry], None]


def load_job_modules(packages: Iterable[str], *, adopt: Adopt | None = None) -> JobRegistry:
    """Imports each package (or module) and everything below it; `adopt` may take foreign handlers out of each.

    Raises StartupError naming the module that can't be imported, and why.
    """
    for package in packages:
        for module in _modules(package):
            if adopt is not None:
                _adopt(adopt, module)
    return default_registry


def _adopt(adopt: Adopt, module: ModuleType) -> None:
    if error := failure_of_call(lambda: adopt(module, default_registry)):
        raise StartupError(f"handlers of {module.__name__} can't be adopted: {error}") from error


def _modules(name: str) -> Iterator[ModuleType]:
    module = _import(name)
    yield module
    for found in pkgutil.iter_modules(getattr(module, "__path__", ())):
        if found.name != "__main__":
            yield from _modules(f"{name}.{found.name}")


def _import(name: str) -> ModuleType:
    try:
        error: BaseException | None = failure_of_call(lambda: importlib.import_module(name))
    except SystemExit as left:
        error = left
    if error is not None:
        raise StartupError(f"job module {name} can't be imported: {type(error).__name__}: {error}") from error
    return sys.modules[name]
