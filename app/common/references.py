"""References: `package.module:name` strings that stand for an object until somebody needs it."""

import importlib
from typing import Any


def load_reference(reference: str) -> Any:
    """Imports the module of `package.module:name` and returns that attribute.

    Raises ValueError for another form; ImportError and AttributeError pass through, naming what is missing.
    """
    module, separator, name = reference.partition(":")
    if not (module and separator and name):
        raise ValueError(f"{reference!r} is not of the form 'package.module:name'")
    return getattr(importlib.import_module(module), name)
