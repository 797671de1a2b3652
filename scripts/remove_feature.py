"""Removes a feature's entry from the FEATURES list: python scripts/remove_feature.py app/bootstrap.py demo_business"""

import ast
import sys
from pathlib import Path


def without_feature(source: str, name: str) -> str:
    """`source` without the one element of FEATURES that mentions `name`; raises LookupError unless exactly one does."""
    entries = [entry for entry in feature_entries(source) if name in (ast.get_source_segment(source, entry) or "")]
    if len(entries) != 1:
        raise LookupError(f"{len(entries)} entries of FEATURES mention {name}, one was expected")
    first, last = entries[0].lineno, entries[0].end_lineno or entries[0].lineno
    lines = source.splitlines(keepends=True)
    return "".join(lines[: first - 1] + lines[last:])


def feature_entries(source: str) -> list[ast.expr]:
    for node in ast.parse(source).body:
        target = node.target if isinstance(node, ast.AnnAssign) else getattr(node, "targets", [None])[0]
        value = getattr(node, "value", None)
        if isinstance(target, ast.Name) and target.id == "FEATURES" and isinstance(value, ast.Tuple | ast.List):
            return value.elts
    raise LookupError("no FEATURES list found")


def main() -> int:
    path, name = Path(sys.argv[1]), sys.argv[2]
    path.write_text(without_feature(path.read_text(), name))
    return 0


if __name__ == "__main__":
    sys.exit(main())
