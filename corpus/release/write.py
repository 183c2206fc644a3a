"""`cbc corpus release --corpus DIR --out REL`: write what may be shared of a corpus, by split, with its documents.

REL/README.md  DATASHEET.md  croissant.json    the card, the datasheet and a description for machines
    published/SPLIT.parquet                    videos in the columns of the public release
    TABLE/SPLIT.parquet                        the five factors: communicator, message, scene, effect; and provenance
    flat/SPLIT.parquet                         a row per message, text beside behavior (full releases)
    recipe.yaml  ids.txt  pages.txt            what `cbc corpus rehydrate REL` fetches again
    SHA256SUMS  manifest.json                  checksums; format, version, content, seed, rows, files, fingerprint

`ids` (the default) holds ids only, since the terms of a platform may forbid more; `full` holds everything that filters
kept, with the words of communicators scrubbed (corpus/release/scrub.py). Neither holds comments. A release is written
once: if the folder, or one beside it, holds this name and version with other content, the command refuses.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import duckdb
import yaml

from corpus.console import command_text
from corpus.derivatives import remember
from corpus.errors import CbcError, NoSuchPath
from corpus.files.atomic import part_path, replace_folder, write_text
from corpus.files.sql import MEMORY, quote, quote_file
from corpus.progress import progress
from corpus.release.manifest import FORMAT, FORMAT_VERSION, IDENTITY, digests, release_at
from corpus.release.papers import write_papers
from corpus.release.scrub import scrubbing
from corpus.release.splits import SPLITS, tables_sql
from corpus.release.table import Selection
from corpus.release.tables import RELEASED
from corpus.release.targets import IDS
from corpus.replay_curve import MERGE_SQL
from corpus.store import Corpus

VERSION = re.compile(r"\d+\.\d+\.\d+")
PARQUET = "(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 20000)"
Content = Literal["ids", "full"]
DEPTH = ("videos_per_channel", "comment_pages", "ages_days", "subtitles", "units_per_day", "searches_per_day")
NEWEST = """SELECT coalesce((SELECT max(coalesce(fetched_at, observed_at)) FROM provenance
        WHERE row_key IN (SELECT message_id FROM _message_split UNION SELECT communicator_id FROM _communicator_split)),
    (SELECT max(published_at) FROM message))::DATE"""
"""The day of the newest observation, or of the newest message where no observation has a time."""


class BadRelease(CbcError):
    """The requested release cannot be made."""


class ReleaseExists(CbcError):
    """A folder holds another release, which is never overwritten."""


@dataclass(frozen=True)
class Released:
    """A release: its manifest, its folder, and whether it was written now or existed before."""

    manifest: dict[str, Any]
    place: Path
    written: bool


def release(
    root: Path,
    out: Path,
    content: Content = "ids",
    version: str = "1.0.0",
    name: str = "content-behavior-corpus",
    licence: str = "other",
    seed: int = 0,
) -> Released:
    """Write the release at `out`; if it exists with equal bytes, nothing is written.

    Raises NoSuchPath, WrongVersion, BadRelease, ReleaseExists.
    """
    if not VERSION.fullmatch(version):
        raise BadRelease(f"the version {version!r} is not of the form 1.0.0", "give three numbers")
    corpus = Corpus.open(root)
    about: dict[str, Any] = {"format": FORMAT, "format_version": FORMAT_VERSION, "name": name, "version": version}
    about |= {"licence": licence, "content": content, "seed": seed}
    before = earlier_release(out, about)
    staged = part_path(out)
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir(parents=True)
    try:
        manifest = write_release(corpus, staged, about)
        if before is not None:
            refuse_other_files(before, manifest)
            return Released(manifest, before, written=False)
        remember(root, out)
        replace_folder(staged, out)
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    return Released(manifest, out, written=True)


def earlier_release(out: Path, about: dict[str, Any]) -> Path | None:
    """Find the folder that holds this release already, by name and settings: `out` or one beside it.

    Raises NoSuchPath, ReleaseExists.
    """
    manifest_at_out = release_at(out)
    if manifest_at_out is None and out.exists() and (out.is_file() or any(out.iterdir())):
        raise NoSuchPath(f"{out} exists and is no release", "give a new folder")
    if manifest_at_out is not None:
        refuse_other_settings(out, manifest_at_out, about)
        return out
    for folder in sorted(path.parent for path in out.absolute().parent.glob("[!.]*/manifest.json")):
        manifest = release_at(folder)
        if manifest and all(manifest.get(key) == about[key] for key in ("name", "version", "content")):
            refuse_other_settings(folder, manifest, about)
            return folder
    return None


def refuse_other_settings(folder: Path, manifest: dict[str, Any], about: dict[str, Any]) -> None:
    """Compare the settings of an existing release with those requested. Raises ReleaseExists."""
    differing = [key for key in IDENTITY if manifest.get(key) != about[key]]
    if differing:
        settings = ", ".join(f"{key} {manifest.get(key)} (asked for: {about[key]})" for key in differing)
        raise ReleaseExists(
            f"{folder} holds {title(manifest)} with {settings}", "give another --out, or remove it first"
        )


def refuse_other_files(folder: Path, manifest: dict[str, Any]) -> None:
    """Compare the files of an existing release with those of a new manifest. Raises ReleaseExists."""
    files = digests(folder)
    differing = sorted(name for name, _ in files.items() ^ manifest["files"].items())
    if differing:
        raise ReleaseExists(
            f"{folder} holds {title(manifest)} already, made of another corpus or state of it: it differs in "
            f"{differing[0]}" + (f" and {len(set(differing)) - 1:,} more files" if len(set(differing)) > 1 else ""),
            "give a new --version and another --out, or remove it first",
        )


def title(manifest: dict[str, Any]) -> str:
    """Format name, version and content of a release."""
    return f"{manifest.get('name')} {manifest.get('version')} ({manifest.get('content')})"


def write_release(corpus: Corpus, folder: Path, about: dict[str, Any]) -> dict[str, Any]:
    """Write a release into an empty folder; returns its manifest. Raises BadRelease."""
    with corpus.connect(kept=True) as connection:
        connection.execute(f"SET memory_limit='{MEMORY}'; SET threads=1")
        connection.execute(f"SET temp_directory={quote(folder / 'spill')}")
        connection.execute(tables_sql(about["seed"]))
        rows = write_tables(connection, corpus, folder, about["content"])
        if "message" not in rows:
            raise BadRelease(f"{corpus.root} holds no message to release", "ingest something, or loosen its filters")
        newest = connection.execute(NEWEST).fetchall()[0][0]
    shutil.rmtree(folder / "spill", ignore_errors=True)
    write_text(folder / "recipe.yaml", recipe_text(corpus.root / "recipe.yaml"))
    return write_papers(folder, {**about, "rows": rows, "date": str(newest) if newest else None})


def write_tables(
    connection: duckdb.DuckDBPyConnection, corpus: Corpus, folder: Path, content: Content
) -> dict[str, dict[str, int]]:
    """Write every table by split; returns the row counts of each."""
    rows: dict[str, dict[str, int]] = {}
    connection.execute(MERGE_SQL)
    with scrubbing(connection), progress("releasing", "files", len(SPLITS) * len(RELEASED)) as shown:
        for split in SPLITS:
            selection = Selection(corpus, folder, split)
            for table in RELEASED.values():
                shown.advance()
                sql = table.full_sql(selection) if content == "full" else table.ids_sql(selection)
                if sql is None:
                    continue
                path = folder / table.name / f"{split}.parquet"
                path.parent.mkdir(exist_ok=True)
                connection.execute(f"COPY ({sql}) TO {quote(path)} {PARQUET}")
                counted = connection.execute(f"SELECT count(*) FROM {quote_file(path)}").fetchall()
                rows.setdefault(table.name, {})[split] = int(counted[0][0])
    for name in [name for name, counts in rows.items() if not any(counts.values())]:
        shutil.rmtree(folder / name)  # `datasets` cannot read a table without rows
        del rows[name]
    return rows


def recipe_text(kept: Path) -> str:
    """Write the crawl recipe of a release: its list of ids and, as a comment, how deep the corpus was crawled."""
    depth = "".join(f"#   {line}\n" for line in depth_of(kept).splitlines())
    text = f"# what this release holds, by id; `cbc corpus rehydrate` reads it\nyoutube:\n  videos: {IDS}\n"
    return text + (f"# the corpus was crawled this deep:\n{depth}" if depth else "")


def depth_of(kept: Path) -> str:
    """The depth settings of a kept recipe as YAML, without the channels and searches that it names."""
    recipe = yaml.safe_load(kept.read_text(encoding="utf-8")) if kept.is_file() else None
    depths = {
        name: {key: value for key, value in settings.items() if key in DEPTH}
        for name, settings in (recipe if isinstance(recipe, dict) else {}).items()
        if isinstance(settings, dict)
    }
    depths = {name: settings for name, settings in depths.items() if settings}
    return yaml.safe_dump(depths, sort_keys=False) if depths else ""


def released_text(released: Released) -> str:
    """Format the outcome as lines."""
    manifest = released.manifest
    if not released.written:
        return f"{title(manifest)} is in {released.place} already, with equal bytes: nothing was written"
    lines = [f"{title(manifest)} in {released.place}"]
    lines += [
        f"  {table:13} " + ", ".join(f"{split} {rows:,}" for split, rows in counts.items())
        for table, counts in manifest["rows"].items()
    ]
    if manifest["content"] == "ids":
        again = command_text("cbc", "corpus", "rehydrate", released.place, "--corpus", "rehydrated")
        lines.append(f"ids only: `{again}` fetches again what the card says; where you may, --content full writes it")
    return "\n".join([*lines, f"fingerprint {manifest['fingerprint'][:16]}; check with: sha256sum -c SHA256SUMS"])
