"""Builds the site: page and tables beside their place, then the folder is swapped in whole.

SITE/manifest.json      format, version, bench, runs: what lets a later build replace it
     index.html         the page with its charts; asks for nothing
     data/TABLE.{md,csv,json}
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmark.bench import Bench
from benchmark.open_runs import open_runs
from benchmark.tables import make_tables
from corpus.errors import CbcError, NoSuchPath
from corpus.files.atomic import part_path, write_json
from leaderboard.locate import find_bench, manifest
from leaderboard.pack import folders_of
from leaderboard.page import render
from leaderboard.results import read_tables

FORMAT = "cbc-site"
VERSION = 1
SUFFIXES = ("csv", "json", "md")


class NotASite(CbcError):
    """The folder to write holds something other than a page made here."""


def build_site(runs: Sequence[Path], out: Path, bench: Path | None = None, tables: Path | None = None) -> Path:
    """Write the page of some runs, packed or not, and return its path; tables already made of them are reused.

    Raises NotASite, NoBenchFound, UnreadableTable, TablesOfOtherRuns, and what opening benches, runs and making
    tables raises (NoSuchPath, WrongVersion, RunForOtherBench, NoAnswers and others).
    """
    if not runs:
        raise NoSuchPath("no run was given", "name the folder of one run or more")
    check_place(out)
    opened = Bench.open(bench) if bench else find_bench(runs)
    with folders_of(runs) as folders, staged(out.resolve()) as folder:
        given = open_runs(folders, opened)
        data = folder / "data"
        if tables is None:
            make_tables(folders, opened.root, data)
        made = read_tables(tables or data, opened.fingerprint, [run.name for run in given])
        if tables is not None:
            copy_tables(tables, data, [table.name for table in made])
        render(folder, opened, given, made)
        said = {"format": FORMAT, "version": VERSION, "bench": opened.fingerprint, "runs": [run.name for run in given]}
        write_json(folder / "manifest.json", said)
        swap(folder, out.resolve())
    return out / "index.html"


def check_place(out: Path) -> None:
    """Whether a page may be written there. Raises NotASite."""
    foreign = out.is_dir() and any(out.iterdir()) and manifest(out).get("format") != FORMAT
    if foreign or (out.exists() and not out.is_dir()):
        raise NotASite(f"{out} holds other files than a page of cbc", "give a new folder with --out")


def copy_tables(tables: Path, data: Path, names: Sequence[str]) -> None:
    """Copy the files of tables already made, those that are there."""
    data.mkdir()
    for path in (tables / f"{name}.{suffix}" for name in names for suffix in SUFFIXES):
        if path.is_file():
            shutil.copyfile(path, data / path.name)


@contextmanager
def staged(out: Path) -> Iterator[Path]:
    """A fresh folder beside a place, gone afterwards unless it was moved there."""
    folder = part_path(out)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def swap(folder: Path, out: Path) -> None:
    """Rename a finished folder into place; what stood there is moved aside first, so that no mixture is ever seen."""
    aside = out.with_name(f".{out.name}.old")
    shutil.rmtree(aside, ignore_errors=True)
    if out.exists():
        out.replace(aside)
    folder.replace(out)
    shutil.rmtree(aside, ignore_errors=True)
