"""Whether a source file was edited: for `RELOAD=1`, where nothing but the standard library is at hand."""

from pathlib import Path


class Edits:
    """Compares the newest change and the number of Python files below a folder with the last look."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen = self._look()

    def happened(self) -> bool:
        """Whether anything was edited, added or removed since the last call."""
        seen, self._seen = self._seen, self._look()
        return seen != self._seen

    def _look(self) -> tuple[int, int]:
        stamps = [path.stat().st_mtime_ns for path in self._folder.rglob("*.py") if path.is_file()]
        return max(stamps, default=0), len(stamps)
