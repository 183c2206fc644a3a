"""`cbc leaderboard verify`: open and score every packed run of a folder, as the project's CI does with submissions/."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmark.bench import Bench
from benchmark.open_runs import open_runs
from benchmark.score import Row, number, score
from corpus.errors import CbcError, NoSuchPath, printable
from leaderboard.pack import AGAIN, BadPack, folders_of, is_packed


class NotVerified(CbcError):
    """Some packed runs cannot be verified; each has its own line."""


def packed_files(paths: Sequence[Path]) -> list[Path]:
    """The files named, or lying in the folders named beside a README. Raises NoSuchPath."""
    lost = [path for path in paths if not path.exists()]
    if lost:
        raise NoSuchPath(f"nothing at {lost[0]}", "name packed runs, or a folder of them")
    return [file for path in paths for file in (sorted(path.iterdir()) if path.is_dir() else [path]) if sent_in(file)]


def sent_in(file: Path) -> bool:
    """Whether a file of a folder is meant as a packed run: all but a README and hidden ones."""
    return file.name != "README.md" and not file.name.startswith(".")


def verify(paths: Sequence[Path], bench: Path) -> Iterator[str]:
    """A line a packed run: what it scores, or what is wrong with it. Raises NoSuchPath, and at the end NotVerified."""
    files, wrong = packed_files(paths), 0
    opened = Bench.open(bench)
    for file in files:
        try:
            yield verified_line(file, opened)
        except CbcError as error:
            wrong += 1
            yield f"wrong {printable(str(file))}: {error}"
    if wrong:
        raise NotVerified(f"{wrong} of {len(files)} packed runs cannot be verified", "mend or remove them")
    if files:
        yield from together(files, opened)
    else:
        yield "no packed runs there"


def verified_line(file: Path, bench: Bench) -> str:
    """A packed run, opened and scored. Raises BadPack and what opening and scoring raise."""
    if not is_packed(file):
        raise BadPack(f"{file} is no packed run", AGAIN)
    with folders_of([file]) as folders:
        open_runs(folders, bench)
        rows = score(folders[0], bench.root)
    heads = {row["task"]: row for row in reversed(rows)}
    scores = ", ".join(headline(row) for row in reversed(heads.values()))
    return f"ok {printable(str(file))}: {rows[0]['run']}, {scores}"


def headline(row: Row) -> str:
    """A task's first metric in a few words."""
    part = f" on {row['n']} of {row['questions']}" if row["partial"] else ""
    return f"{row['task']} {row['metric']} {number(row['value'])}{part}"


def together(files: Sequence[Path], bench: Bench) -> Iterator[str]:
    """Whether all can stand on one page: no two under one name. Raises DuplicateRuns."""
    with folders_of(files) as folders:
        open_runs(folders, bench)
    yield f"{len(files)} packed runs verified against bench {bench.fingerprint}"
