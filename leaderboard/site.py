"""Build the site: write page and tables beside their place, then swap the folder in.

SITE/manifest.json      format, version, bench, runs; marks a folder that a later build may replace
     index.html         the page with its charts; loads nothing else
     instances/TASK.html  test instances with the answers of all runs, to look through
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
from leaderboard.instance_pages import write_instances
from leaderboard.instances import FIRST
from leaderboard.locate import find_bench, read_manifest
from leaderboard.pack import run_folders
from leaderboard.page import render
from leaderboard.results import read_tables

FORMAT = "cbc-site"
VERSION = 1
SUFFIXES = ("csv", "json", "md")


class NotASite(CbcError):
    """The output folder holds something other than a page of cbc."""


def build_site(
    runs: Sequence[Path], out: Path, bench: Path | None = None, tables: Path | None = None, instances: int = FIRST
) -> Path:
    """Write the page of runs, packed or not, and return its path; tables already made from them are reused.

    instances: of each task this many of the first test instances can be looked through, and some where runs differ;
    0: none.

    Raises NotASite, NoBenchFound, UnreadableTable, TablesOfOtherRuns, and what opening benches, runs and making
    tables raises (NoSuchPath, WrongVersion, RunForOtherBench, NoAnswers and others).
    """
    if not runs:
        raise NoSuchPath("no run was given", "name one or more run folders")
    check_place(out)
    opened_bench = Bench.open(bench) if bench else find_bench(runs)
    with run_folders(runs) as folders, staged(out.resolve()) as folder:
        opened_runs = open_runs(folders, opened_bench)
        data = folder / "data"
        if tables is None:
            make_tables(folders, opened_bench.root, data)
        page_tables = read_tables(tables or data, opened_bench.fingerprint, [run.name for run in opened_runs])
        if tables is not None:
            copy_tables(tables, data, [table.name for table in page_tables])
        links = write_instances(folder, opened_bench, opened_runs, page_tables, instances)
        render(folder, opened_bench, opened_runs, page_tables, links)
        site_manifest = {
            "format": FORMAT,
            "version": VERSION,
            "bench": opened_bench.fingerprint,
            "runs": [run.name for run in opened_runs],
        }
        write_json(folder / "manifest.json", site_manifest)
        swap(folder, out.resolve())
    return out / "index.html"


def check_place(out: Path) -> None:
    """Check that a page may be written to a folder. Raises NotASite."""
    foreign = out.is_dir() and any(out.iterdir()) and read_manifest(out).get("format") != FORMAT
    if foreign or (out.exists() and not out.is_dir()):
        raise NotASite(f"{out} holds other files than a page of cbc", "give a new folder with --out")


def copy_tables(tables: Path, data: Path, names: Sequence[str]) -> None:
    """Copy the files of tables that were already made."""
    data.mkdir()
    for path in (tables / f"{name}.{suffix}" for name in names for suffix in SUFFIXES):
        if path.is_file():
            shutil.copyfile(path, data / path.name)


@contextmanager
def staged(out: Path) -> Iterator[Path]:
    """Make an empty folder beside `out`, removed afterwards unless it was moved."""
    folder = part_path(out)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def swap(folder: Path, out: Path) -> None:
    """Rename a finished folder into place; an earlier one is moved aside first, so that the two never mix."""
    aside = out.with_name(f".{out.name}.old")
    shutil.rmtree(aside, ignore_errors=True)
    if out.exists():
        out.replace(aside)
    folder.replace(out)
    shutil.rmtree(aside, ignore_errors=True)
