"""The kinds of scripts that the console knows, and what runs them."""

import shutil
from dataclasses import dataclass
from typing import Final

from app.common.errors import Unavailable


class NoInterpreter(Unavailable):
    """Nothing here can run this kind of script."""

    code = "NO_INTERPRETER"


@dataclass(frozen=True)
class ScriptKind:
    """One glue type. The first interpreter that is in PATH runs it."""

    glue_type: str
    suffix: str
    interpreters: tuple[str, ...]

    def find_interpreter(self) -> str:
        """Raises NoInterpreter naming what was looked for."""
        for name in self.interpreters:
            if found := shutil.which(name):
                return found
        raise NoInterpreter(f"{self.glue_type} needs {' or '.join(self.interpreters)}, which is not in PATH here")


KINDS: Final = {
    kind.glue_type: kind
    for kind in (
        ScriptKind("GLUE_SHELL", ".sh", ("bash",)),
        ScriptKind("GLUE_PYTHON", ".py", ("python3", "python")),
        ScriptKind("GLUE_NODEJS", ".js", ("node",)),
        ScriptKind("GLUE_PHP", ".php", ("php",)),
        ScriptKind("GLUE_POWERSHELL", ".ps1", ("pwsh", "powershell")),
    )
}
