"""`cbc leaderboard verify`: check and score packed runs, as the project's CI does with submissions/."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmark.bench import Bench
from benchmark.open_runs import open_runs
from benchmark.score import Row, score, short_number
from corpus.errors import CbcError, NoSuchPath, printable
from leaderboard.pack import AGAIN, SUFFIX, BadPack, is_packed, run_folders


class NotVerified(CbcError):
    """Some packed runs cannot be verified; each has a line of its own."""


def packed_files(paths: Sequence[Path]) -> list[Path]:
    """List the named files, and those in the named folders except README.md. Raises NoSuchPath."""
    missing = [path for path in paths if not path.exists()]
    if missing:
        raise NoSuchPath(f"nothing at {missing[0]}", "name packed runs, or a folder of them")
    return [
        file for path in paths for file in (sorted(path.iterdir()) if path.is_dir() else [path]) if is_submission(file)
    ]


def is_submission(file: Path) -> bool:
    """Whether a file in a folder is a submission: all but README.md and hidden files."""
    return file.name != "README.md" and not file.name.startswith(".")


def verify(paths: Sequence[Path], bench: Path) -> Iterator[str]:
    """Yield a line for each packed run: its scores, or its error. Raises NoSuchPath, and at the end NotVerified."""
    files, wrong = packed_files(paths), 0
    opened_bench = Bench.open(bench)
    for file in files:
        try:
            yield verified_line(file, opened_bench)
        except CbcError as error:
            wrong += 1
            yield f"wrong {printable(str(file))}: {without_place(error, file)}"
    if wrong:
        raise NotVerified(f"{wrong} of {len(files)} packed runs cannot be verified", "each `wrong` line says why")
    if files:
        yield from check_together(files, opened_bench)
    else:
        yield f"no packed runs (*{SUFFIX}) in {printable(', '.join(map(str, paths)))}; nothing to verify"


def without_place(error: CbcError, file: Path) -> str:
    """Write an error without the name of the packed run at its beginning."""
    name, text = printable(str(file)), str(error)
    return next((text.removeprefix(name + end) for end in (": ", "/", " ") if text.startswith(name + end)), text)


def verified_line(file: Path, bench: Bench) -> str:
    """Open and score a packed run. Raises BadPack and what opening and scoring raise."""
    if not is_packed(file):
        raise BadPack(f"{file} is no packed run", AGAIN)
    with run_folders([file]) as folders:
        open_runs(folders, bench)
        rows = score(folders[0], bench.root)
    heads = {row["task"]: row for row in reversed(rows)}
    scores = ", ".join(headline(row) for row in reversed(heads.values()))
    return f"ok {printable(str(file))}: {rows[0]['run']}, {scores}"


def headline(row: Row) -> str:
    """A task's first metric, and how many of its answers could not be read."""
    asked = f"{row['n']} of {row['questions']} questions asked, " if row["partial"] else ""
    unread = f"{asked}{row['unparsed']} of {row['n']} unread"
    return f"{row['task']} {row['metric']} {short_number(row['value'])} ({unread})"


def check_together(files: Sequence[Path], bench: Bench) -> Iterator[str]:
    """Check that all runs fit on one page: no two have the same name. Raises DuplicateRuns."""
    with run_folders(files) as folders:
        open_runs(folders, bench)
    yield f"{len(files)} packed runs verified against bench {bench.fingerprint}"
