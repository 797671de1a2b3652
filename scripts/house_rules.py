"""House rules that no linter has. One line a violation, exit code 1 when there is any.

python scripts/house_rules.py            # the checkout that this file is in
python scripts/house_rules.py --root DIR
"""

import argparse
import ast
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import style_metrics

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60
MAX_BROAD_EXCEPTS_PER_KLOC = 1.0
MAX_IGNORES_PER_KLOC = 5.0

# Calls that open something or start something, by the last part of their name: none may run while a module is imported.
# fmt: off
SIDE_EFFECTS = frozenset({
    "open", "connect", "create_connection", "socket", "Thread", "Timer", "Process",
    "ThreadPoolExecutor", "ProcessPoolExecutor", "Popen", "run", "system", "create_engine",
    "create_async_engine", "AsyncClient", "Client", "ClientSession", "create_task", "mkdir",
    "makedirs", "touch", "read_text", "read_bytes", "write_text", "write_bytes", "urlopen",
    "new_event_loop",
})
# fmt: on
LOG_METHODS = frozenset({"trace", "debug", "info", "success", "warning", "error", "critical", "exception"})
# A wait with a deadline is a claim, too: it fails when the thing never comes true.
ASSERTING_CALLS = re.compile(r"(^|\.)(raises|warns|fail|wait_for\w*|until\w*|eventually|timeout|assert_\w+|expect\w*)$")

# Assembled, so that this file does not break its own rule.
LEAKS = re.compile(
    "|".join(
        [
            r"(?<![\w.])/(?:ro" + r"ot|wo" + r"rk|Us" + r"ers/\w+|ho" + r"me/\w+)/",
            r"(?:py" + r"pi\.org|python" + r"hosted\.org|crates" + r"\.io|npm" + r"js\.org|mvn" + r"repository\.com)",
            r"(?:mirrors?\.(?:ali" + r"yun|ten" + r"cent|hua" + r"wei|tu" + r"na|us" + r"tc)[\w.]*)",
        ]
    )
)


@dataclass(frozen=True)
class Violation:
    path: Path
    line: int
    message: str


@dataclass(frozen=True)
class Source:
    """One parsed Python file."""

    path: Path
    tree: ast.Module


def budgets(root: Path) -> Iterator[Violation]:
    """The numbers of the style guide; the bench keeps those of files and functions."""
    for package in (root / "app", root / "bench"):
        found = [style_metrics.read_module(path, package) for path in style_metrics.python_files(package)]
        modules = [module for module in found if module is not None]
        for module in modules:
            if module.lines > MAX_FILE_LINES:
                yield Violation(package / module.path, 1, f"{module.lines} lines, {MAX_FILE_LINES} at most")
            for function in module.functions:
                yield from function_budget(package, function)
        if package.name == "app":
            yield from tree_budgets(package, modules)


def function_budget(package: Path, function: style_metrics.Function) -> Iterator[Violation]:
    place, _, name = function.where.partition(" ")
    path, _, line = place.rpartition(":")
    if function.length > MAX_FUNCTION_LINES:
        yield Violation(package / path, int(line), f"{name} has {function.length} lines, {MAX_FUNCTION_LINES} at most")
    if function.annotated < function.slots:
        yield Violation(package / path, int(line), f"{name} has slots without a type")


def tree_budgets(package: Path, modules: Sequence[style_metrics.Module]) -> Iterator[Violation]:
    graph, _ = style_metrics.import_graph(modules, package)
    for name in sorted(style_metrics.cyclic_modules(graph)):
        yield Violation(package, 1, f"{name} can reach itself through imports")
    code = sum(module.code_lines for module in modules)
    for count, most, what in (
        (sum(module.broad_excepts for module in modules), MAX_BROAD_EXCEPTS_PER_KLOC, "broad excepts"),
        (sum(module.suppressions for module in modules), MAX_IGNORES_PER_KLOC, "linter suppressions"),
    ):
        # The budget of a tree below a thousand lines is rounded up: one is not "more than one per thousand".
        if count > max(1, code / 1000 * most):
            yield Violation(package, 1, f"{count} {what} in {code} lines of code, {most:g} per thousand at most")


def import_time_work(source: Source) -> Iterator[Violation]:
    """Importing any module opens no socket, file or thread."""
    for call in calls_at_import(source.tree.body):
        name = called_name(call)
        if name.rpartition(".")[2] in SIDE_EFFECTS:
            yield Violation(source.path, call.lineno, f"{name}(...) runs while the module is imported")


def calls_at_import(statements: Sequence[ast.AST]) -> Iterator[ast.Call]:
    for node in statements:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and ast.unparse(node.test) in {"TYPE_CHECKING", "__name__ == '__main__'"}:
            continue
        if isinstance(node, ast.Call):
            yield node
        yield from calls_at_import(list(ast.iter_child_nodes(node)))


def constant_log_phrases(source: Source) -> Iterator[Violation]:
    """A log event is a constant phrase with fields, so that lines can be grouped and searched."""
    for node in ast.walk(source.tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
            continue
        receiver, phrase = ast.unparse(node.func.value), node.args[0]
        is_log = receiver == "log" or receiver.endswith(".log") or receiver.startswith("log.")
        if is_log and node.func.attr in LOG_METHODS and isinstance(phrase, ast.JoinedStr | ast.BinOp | ast.Call):
            yield Violation(source.path, node.lineno, "log a constant phrase; values go into log.bind(...)")


def commits_at_the_edge(source: Source) -> Iterator[Violation]:
    """One request or run is one transaction; services and repositories never commit."""
    if source.path.name not in {"service.py", "repository.py"}:
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and called_name(node).endswith(".commit"):
            yield Violation(source.path, node.lineno, "commit belongs to the edge of the request or run")


def tests_claim_something(source: Source) -> Iterator[Violation]:
    """A test asserts; own classes are never mocked."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ImportFrom | ast.Import) and "unittest.mock" in ast.unparse(node):
            yield Violation(source.path, node.lineno, "use a memory twin or a real server instead of a mock")
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or not node.name.startswith("test_"):
            continue
        if not any(is_claim(inner) for inner in ast.walk(node)):
            yield Violation(source.path, node.lineno, f"{node.name} asserts nothing")


def is_claim(node: ast.AST) -> bool:
    return isinstance(node, ast.Assert) or (
        isinstance(node, ast.Call) and ASSERTING_CALLS.search(called_name(node)) is not None
    )


def called_name(call: ast.Call) -> str:
    return ast.unparse(call.func) if isinstance(call.func, ast.Name | ast.Attribute) else ""


def modules_have_tests(root: Path) -> Iterator[Violation]:
    """x.py is found by test_x*.py or test_<package>_x*.py."""
    package = root / "app"
    tests = [path for path in style_metrics.python_files(root / "tests") if path.stem.startswith("test_")]
    names = {path.stem.removeprefix("test_") for path in tests}
    for path in style_metrics.python_files(package):
        module = style_metrics.read_module(path, package)
        if module is None or path.name in {"__init__.py", "__main__.py"} or not does_anything(path):
            continue
        # A port and its memory twin are what a contract suite is about.
        shared = path.stem in {"base", "memory"} and f"{path.parent.name.strip('_')}_contract" in names
        if not shared and not style_metrics.is_named(path.relative_to(root), names, set()):
            yield Violation(path, 1, f"no test is named for it (test_{path.stem.strip('_')}*.py)")


def does_anything(path: Path) -> bool:
    """Whether the file holds more than constants, fields and ports: a function with a body."""
    functions = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, style_metrics.FunctionNode))
    return any(
        not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))
        for function in functions
        for statement in function.body
    )


def no_leaks(root: Path) -> Iterator[Violation]:
    """Tracked files name no machine's folders and no package registry."""
    listed = subprocess.run(["git", "-C", root, "ls-files", "-z"], capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        path = root / name
        if not path.is_file() or b"\0" in path.read_bytes()[:1024]:
            continue
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            if found := LEAKS.search(line):
                yield Violation(path, number, f"names {found[0]!r}, which is not the project's")


TREE_RULES: tuple[Callable[[Path], Iterator[Violation]], ...] = (budgets, modules_have_tests, no_leaks)
APP_RULES: tuple[Callable[[Source], Iterator[Violation]], ...] = (
    import_time_work,
    constant_log_phrases,
    commits_at_the_edge,
)


def check(root: Path) -> list[Violation]:
    found = [violation for rule in TREE_RULES for violation in rule(root)]
    for source in parsed(root / "app"):
        found += [violation for rule in APP_RULES for violation in rule(source)]
    for source in parsed(root / "tests"):
        if source.path.stem.startswith("test_"):
            found += tests_claim_something(source)
    return found


def parsed(folder: Path) -> Iterator[Source]:
    for path in style_metrics.python_files(folder):
        yield Source(path, ast.parse(path.read_text(encoding="utf-8")))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    root = parser.parse_args().root
    found = check(root)
    for violation in found:
        print(f"{violation.path.relative_to(root)}:{violation.line}: {violation.message}")
    print(f"house rules: {len(found)} violations" if found else "house rules: kept")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
