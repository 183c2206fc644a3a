"""`cbc corpus rebuild OLD --corpus NEW`: a corpus made anew from another one's raw files, as its manifests say.

This is how a corpus of an earlier version of the format becomes one of this version. Each ingest is repeated with its
files under the names they had, its source and its mapping (of a mapping that ships with the project, the present one).
What was taken down stays out, and a crawl goes on where it stands. It can be stopped and run again: NEW/rebuilt.json
names the corpus that NEW is made of, and a NEW without it that holds anything is another corpus.
"""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from corpus.console import command_text
from corpus.errors import NoSuchPath
from corpus.files.atomic import write_json
from corpus.files.written_once import HoldsOther
from corpus.ids import global_id, split_id
from corpus.ingest.kept_source import name_of, source_of
from corpus.ingest.run import Report, ingest_files
from corpus.schema import FORMAT, MEDIA
from corpus.sources.base import Source
from corpus.sources.registry import shipped_mappings, source_named
from corpus.store import Corpus
from corpus.withdrawn.tombstones import Ids, record_withdrawn, withdrawn

MARKER = "rebuilt.json"
DIGITS = 16  # of a file's digest, that its name in raw/ begins with
SHIPPED_BEFORE = frozenset(
    {
        "8458134640ad3519",
        "35e3bbd48728c265",
        "4b51d7447dac3c8d",
        "a770f9473c726157",
        "dbd57f1022bb3fd5",
        "2149d44711c7f4bd",
        "eca90a9f16dc4991",
    }
)
"""Digests of the shipped mappings as the first version of the format had them: the present ones replace them."""
WORLD = re.compile(r"simulate@\d+:(?:(\w+),)?seed=(\d+),(\d+)x(\d+)-(\d+)-(\d+)")


@dataclass
class Rebuilt:
    """The reports of the ingests that were repeated, and the steps that remain to be done by hand."""

    reports: list[Report] = field(default_factory=list)
    steps_by_hand: list[str] = field(default_factory=list)


def rebuild(old: Path, new: Path) -> Rebuilt:
    """Repeat the ingests of the corpus at `old`, of any version, in one at `new`.

    Raises NoSuchPath, WrongVersion, HoldsOther.
    """
    marker = old / "corpus.json"
    if not marker.is_file() or f'"{FORMAT}"' not in marker.read_text(encoding="utf-8", errors="replace"):
        raise NoSuchPath(f"no corpus at {old}", "name the folder that holds its corpus.json")
    if old.resolve() == new.resolve():
        raise NoSuchPath(f"{new} is the corpus that is to be rebuilt", "give a new folder")
    corpus, rebuilt = Corpus.create(new), Rebuilt()
    claim_place(old, new)
    record_withdrawn(new, with_media(withdrawn(old)))
    for path in sorted(old.glob("tables/*/manifest.json"), key=lambda path: (path.stat().st_mtime_ns, str(path))):
        repeat(old, corpus, json.loads(path.read_text(encoding="utf-8")), rebuilt)
    take_along(old, new, rebuilt)
    return rebuilt


def claim_place(old: Path, new: Path) -> None:
    """Write down in `new` that it is made of `old`. Raises HoldsOther where it holds anything else."""
    identity = {"of": str(old.resolve())}
    path = new / MARKER
    if path.is_file():
        earlier = json.loads(path.read_text(encoding="utf-8"))
        if earlier != identity:
            raise HoldsOther(f"{new} was rebuilt from {earlier.get('of')}, not from {old}", "give a new folder")
    elif any(new.glob("tables/*/manifest.json")) or (new / "crawl.sqlite").exists():
        raise HoldsOther(f"{new} holds another corpus, not one rebuilt from {old}", "give a new folder")
    else:
        write_json(path, identity)


def repeat(old: Path, corpus: Corpus, manifest: dict[str, Any], rebuilt: Rebuilt) -> None:
    """Repeat one ingest, or note why it has to be done by hand."""
    if world := WORLD.fullmatch(str(manifest.get("source"))):
        options = zip(("world", "seed", "brands", "videos", "posts", "emails"), world.groups("clear"), strict=True)
        arguments = [word for name, value in options for word in (f"--{name}", value)]
        rebuilt.steps_by_hand.append(command_text("cbc", "corpus", "simulate", *arguments, "--corpus", corpus.root))
        return
    source = source_again(manifest)
    if source is None:
        unknown = manifest.get("source")
        rebuilt.steps_by_hand.append(f"ingest raw/{name_of(manifest)} by hand: no source or mapping for {unknown}")
        return
    with under_their_names(old, corpus.root, source, manifest, rebuilt) as names:
        if names:
            rebuilt.reports.append(ingest_files(source, names, corpus.root, manifest.get("comments")))


def source_again(manifest: dict[str, Any]) -> Source | None:
    """The source of an ingest; for a shipped mapping of an earlier version, the present mapping."""
    name = name_of(manifest)
    if name in shipped_mappings() and manifest.get("digest") in SHIPPED_BEFORE:
        return source_named(name)
    return source_of(manifest)


@contextmanager
def under_their_names(
    old: Path, new: Path, source: Source, manifest: dict[str, Any], rebuilt: Rebuilt
) -> Iterator[dict[Path, str]]:
    """The raw files of an ingest in a folder where they have the names they were given, gone afterwards."""
    folder = new / ".rebuild"
    shutil.rmtree(folder, ignore_errors=True)
    names: dict[Path, str] = {}
    try:
        for number, file in enumerate(manifest.get("files", [])):
            raw = next(iter(sorted((old / "raw" / source.name).glob(f"{file['sha256'][:DIGITS]}-*"))), None)
            if raw is None:
                rebuilt.steps_by_hand.append(f"{file['name']} of {manifest.get('ingest')} is not in raw/ any more")
                continue
            name = file["name"] if ".." not in Path(file["name"]).parts else Path(file["name"]).name
            place = folder / name.lstrip("/")
            place = folder / str(number) / name.lstrip("/") if place.exists() else place
            place.parent.mkdir(parents=True, exist_ok=True)
            link_or_copy(raw, place)
            names[place] = file["name"]
        yield names
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def link_or_copy(raw: Path, place: Path) -> None:
    """Put a file in a place with its time of change, without another copy where the disk allows that."""
    try:
        place.hardlink_to(raw)
    except OSError:
        shutil.copy2(raw, place)


def with_media(ids: Ids) -> Ids:
    """Ids of any version with their medium; one that has none stays out in every medium."""
    return {kind: frozenset(full for name in names for full in in_media(kind, name)) for kind, names in ids.items()}


def in_media(kind: str, name: str) -> Iterator[str]:
    """The ids that a withdrawn id may have now."""
    if kind == "comment" or split_id(name)[0]:
        yield name
        return
    extractor, _, native = name.partition(":")
    yield from (global_id(medium, name) for medium in MEDIA)
    yield from (global_id(medium, native) for medium in MEDIA if native and extractor.startswith(medium))


def take_along(old: Path, new: Path, rebuilt: Rebuilt) -> None:
    """Copy the crawl's journal and recipe; media are too large to be copied unasked."""
    if (old / "recipe.yaml").is_file():
        shutil.copy2(old / "recipe.yaml", new / "recipe.yaml")
    if (old / "crawl.sqlite").is_file() and not (new / "crawl.sqlite").exists():
        with (
            closing(sqlite3.connect(old / "crawl.sqlite")) as held,
            closing(sqlite3.connect(new / "crawl.sqlite")) as copy,
        ):
            held.backup(copy)
    if (old / "media").is_dir():
        rebuilt.steps_by_hand.append(command_text("mv", old / "media", new / "media"))
    for name in annotators(old):
        rebuilt.steps_by_hand.append(command_text("cbc", "corpus", "annotate", "--with", name, "--corpus", new))
    if (arguments := filter_arguments(old)) is not None:
        rebuilt.steps_by_hand.append(command_text("cbc", "corpus", "filter", *arguments, "--corpus", new))


def annotators(old: Path) -> list[str]:
    """Names of the annotators that annotated a corpus: their parts have numbers, those of ingests have names."""
    parts = (path for path in old.glob("annotations/*@*/*.parquet") if path.stem.isdecimal())
    return sorted({path.parent.name.split("@")[0] for path in parts})


def filter_arguments(old: Path) -> list[str] | None:
    """What `cbc corpus filter` was given at its last run; None where it never ran."""
    path = old / "filtered" / "manifest.json"
    if not path.is_file():
        return None
    manifest = json.loads(path.read_text(encoding="utf-8"))
    return list(manifest.get("arguments") or str(manifest.get("recipe")).split(" "))


def rebuilt_text(rebuilt: Rebuilt, new: Path) -> str:
    """The ingests repeated and the steps to be done by hand, as lines."""
    lines = [
        f"{report.ingest}: {report.rows_read:,} read, {report.rows_kept:,} kept, {report.rows_enriched:,} enriched, "
        f"{report.rows_repeated:,} repeated, {report.rows_contradicting:,} contradicting, "
        f"{sum(report.rejected.values()):,} rejected"
        for report in rebuilt.reports
        if report.ingest
    ]
    return "\n".join([*lines, *(f"left to do: {step}" for step in rebuilt.steps_by_hand), f"corpus in {new}"])
