"""Lint of names: nobody but its own file decides by the name of a task, table, condition or source.

    python -m tests.house.names [ROOT]

A breach is a comparison with such a name, a test `in` a collection that holds one, a dictionary's key or look-up, a
prefix of several names, and a source's label (NAME@...) in a text. Exceptions stand in tests/house/exceptions.py. The
only script at the root may be cbc.py. Prints each breach and ends with exit code 1 if there is one.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from benchmark.tasks.registry import TASKS
from corpus.simulate.world import SimulatedWorld
from corpus.sources.registry import SOURCES, shipped_mappings
from tests.house.exceptions import FILES, WORDS

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("corpus", "benchmark", "baselines", "leaderboard", "studies")
REGISTRIES = {"benchmark/tasks/registry.py", "corpus/sources/registry.py"}  # a name's one line
PREFIX = 5  # characters from which the beginning of several names tells them by their names
LOOKUPS = {"get", "pop", "setdefault"}
BEGINNINGS = {"startswith", "removeprefix", "endswith", "removesuffix"}
Site = tuple[int, str]  # line, text


def homes() -> dict[str, set[str]]:
    """Each name -> the files in which it may be decided by."""
    files: dict[str, set[str]] = defaultdict(lambda: set(REGISTRIES))
    for name in TASKS.builtin:
        task = TASKS[name]
        for word in (name, task.table.name, task.condition):
            files[word].add(file_of(task))
    for source in (*(SOURCES[name] for name in SOURCES.builtin), SimulatedWorld):
        files[source.name].add(file_of(source))
    for mapping in shipped_mappings():
        files[mapping] |= set()
    return {name: where for name, where in files.items() if name not in WORDS}


def file_of(part: type) -> str:
    """The file of a class, from the root."""
    return str(Path(inspect.getfile(part)).resolve().relative_to(ROOT))


def texts(node: ast.expr | None) -> Iterator[Site]:
    """Constant texts that a node is, or that stand in its collection."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.lineno, node.value
    elif isinstance(node, ast.Tuple | ast.List | ast.Set):
        for item in node.elts:
            yield from texts(item)
    elif isinstance(node, ast.Dict):
        for key in node.keys:
            yield from texts(key)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("frozenset", "set"):
        for item in node.args:
            yield from texts(item)


def constants(tree: ast.AST) -> dict[str, ast.expr]:
    """Names of a file -> what is assigned to them."""
    assigned: dict[str, ast.expr] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            assigned |= {target.id: node.value for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            assigned[node.target.id] = node.value
    return assigned


def decisions(tree: ast.AST) -> Iterator[Site]:
    """Every text that something is decided by."""
    known = constants(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            for side in (node.left, *node.comparators):
                yield from texts(known.get(side.id) if isinstance(side, ast.Name) else side)
        elif isinstance(node, ast.Dict):
            yield from texts(node)
        elif isinstance(node, ast.Subscript):
            yield from texts(node.slice)
        elif isinstance(node, ast.MatchValue):
            yield from texts(node.value)
        elif isinstance(node, ast.Call):
            yield from decided_by_call(node)


def decided_by_call(node: ast.Call) -> Iterator[Site]:
    """Texts that a call looks up, or takes as keys."""
    if isinstance(node.func, ast.Attribute) and node.func.attr in LOOKUPS and node.args:
        yield from texts(node.args[0])
    elif isinstance(node.func, ast.Name) and node.func.id == "dict":
        yield from ((word.value.lineno, word.arg) for word in node.keywords if word.arg)


def beginnings(tree: ast.AST) -> Iterator[Site]:
    """Texts that names are told by at their beginning or end."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in BEGINNINGS:
            for argument in node.args:
                yield from texts(argument)


def code_texts(tree: ast.AST) -> Iterator[Site]:
    """Every text that is no docstring."""
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield node.lineno, node.value


def breaches_in(path: str, code: str, names: dict[str, set[str]]) -> Iterator[tuple[int, str]]:
    """Line and name of each breach of a file, exceptions left out of account."""
    tree = ast.parse(code, path)
    foreign = {name for name, files in names.items() if path not in files}
    for line, text in decisions(tree):
        if text in foreign:
            yield line, text
    for line, text in beginnings(tree):
        meant = [name for name in foreign if name.startswith(text) or name.endswith(text)]
        if text in foreign or (len(text) >= PREFIX and len(meant) > 1):
            yield line, text
    for line, text in code_texts(tree):
        yield from ((line, name) for name in foreign if f"{name}@" in text)


def all_breaches(root: Path) -> Iterator[tuple[str, int, str]]:
    """File, line and name of each breach below a root."""
    names = homes()
    for path in sorted([*root.glob("*.py"), *(file for part in PARTS for file in (root / part).rglob("*.py"))]):
        where = path.relative_to(root).as_posix()
        for line, name in breaches_in(where, path.read_text(encoding="utf-8"), names):
            yield where, line, name


def faults(root: Path) -> list[str]:
    """One line a fault: names decided by in foreign files, and scripts at the root."""
    lines = [
        f"{path}:{line}: decides by the name {name!r}; ask the task, table or source itself"
        for path, line, name in all_breaches(root)
        if (path, name) not in FILES
    ]
    scripts = sorted(path.name for path in root.glob("cbc*") if path.suffix == ".py" and path.name != "cbc.py")
    return [*lines, *(f"{name}: only cbc.py may be a script at the root; put it into studies/" for name in scripts)]


def needless(root: Path) -> list[str]:
    """Exceptions that nothing needs any more."""
    needed = {(path, name) for path, _, name in all_breaches(root)}
    return [f"{path}: needs no exception for {name!r}; take it out" for path, name in sorted(FILES.keys() - needed)]


def main(root: Path) -> int:
    """Print the faults; gives the exit code."""
    lines = faults(root) + needless(root)
    print("\n".join(lines) or "names: nobody decides by another's name")
    return int(bool(lines))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else ROOT))
