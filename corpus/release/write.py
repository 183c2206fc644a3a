"""`cbc corpus release --corpus DIR --out REL`: what may be given away of a corpus, whole, by split, with its papers.

REL/README.md  DATASHEET.md  croissant.json    the card, the datasheet and the machine's description
    published/SPLIT.parquet                    videos in the columns of the public release
    TABLE/SPLIT.parquet                        the five factors: communicator, message, scene, effect, provenance
    recipe.yaml  ids.txt                       what `cbc corpus rehydrate REL` fetches again
    SHA256SUMS  manifest.json                  checksums; format, version, content, seed, files, fingerprint

`ids` (the default) holds ids only, since a platform's terms may forbid more; `full` holds all that the filters kept,
with what communicators said scrubbed (corpus/release/scrub.py). Comments are in neither.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import duckdb
import yaml

from corpus.derivatives import remember
from corpus.errors import CbcError, NoSuchPath
from corpus.files.atomic import part_path, replace_folder, write_json
from corpus.files.hashes import file_sha256, fingerprint
from corpus.files.sql import MEMORY, quote, quote_file
from corpus.ids import public_id_sql
from corpus.inspect.datasheet import datasheet_text
from corpus.published_shape import ANNOTATION, PUBLISHED, STRUCTS, published_sql
from corpus.release.card import card_text
from corpus.release.croissant import croissant_text
from corpus.release.diff import FORMAT, FORMAT_VERSION
from corpus.release.renew import IDS as ID_LIST
from corpus.release.renew import write_sums
from corpus.release.scrub import said, scrubbing
from corpus.release.splits import SPLITS, tables_sql
from corpus.replay_curve import MERGE_SQL
from corpus.schema import TABLES
from corpus.store import Corpus

VERSION = re.compile(r"\d+\.\d+\.\d+")
PARQUET = "(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 20000)"
Content = Literal["ids", "full"]
OF_MESSAGE = """SELECT {columns} FROM {table} t JOIN _message_split s USING (message_id)
    WHERE s.split = '{split}' ORDER BY {key}"""
FACTORS: dict[str, str] = {
    "communicator": """SELECT {columns} FROM communicator_observation t
    JOIN _communicator_split s USING (communicator_id) WHERE s.split = '{split}' ORDER BY {key}""",
    "message": OF_MESSAGE,
    "scene": OF_MESSAGE,
    "effect": OF_MESSAGE,
    "provenance": """SELECT {columns} FROM provenance t
    LEFT JOIN _message_split m ON table_name = 'message' AND row_key = m.message_id
    LEFT JOIN _communicator_split c ON table_name = 'communicator' AND row_key = c.communicator_id
    WHERE coalesce(m.split, c.split) = '{split}' ORDER BY {key}""",
}
"""The five-factor shape: each table's rows of a split; channel is a column of message and communicator."""
IDS = {
    "communicator": ("communicator_id", "channel"),
    "message": ("message_id", "communicator_id", "channel", "kind"),
}
"""What a release of ids holds of which tables; every other column is null."""
DEPTH = ("videos_per_channel", "comment_pages", "ages_days", "subtitles", "units_per_day", "searches_per_day")


class BadRelease(CbcError):
    """A release is asked for that cannot be."""


def release(
    root: Path,
    out: Path,
    content: Content = "ids",
    version: str = "1.0.0",
    name: str = "content-behavior-corpus",
    licence: str = "other",
    seed: int = 0,
) -> dict[str, Any]:
    """Write the release at `out` whole and give its manifest. Raises NoSuchPath, WrongVersion, BadRelease."""
    if not VERSION.fullmatch(version):
        raise BadRelease(f"{version} is no version", "give three numbers, as in 1.0.0")
    corpus = Corpus.open(root)
    held = out / "manifest.json"
    if out.exists() and not held.is_file() and (out.is_file() or any(out.iterdir())):
        raise NoSuchPath(f"{out} exists and is no release", "give a new folder")
    staged = part_path(out)
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir(parents=True)
    try:
        rows = write_tables(corpus, staged, content, seed)
        if "message" not in rows:
            raise BadRelease(f"{root} holds no message to release", "ingest something, or loosen its filters")
        about = {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "name": name,
            "version": version,
            "licence": licence,
            "content": content,
            "seed": seed,
            "rows": rows,
        }
        write_papers(corpus, staged, about)
        files = digests(staged)
        write_sums(staged, files)
        manifest = {**about, "fingerprint": fingerprint(files), "files": files}
        write_json(staged / "manifest.json", manifest)
        remember(root, out)
        replace_folder(staged, out)
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    return manifest


def write_tables(corpus: Corpus, staged: Path, content: Content, seed: int) -> dict[str, dict[str, int]]:
    """Write every table by split; gives the rows of each."""
    rows: dict[str, dict[str, int]] = {}
    with corpus.connect(kept=True) as connection:
        spill = staged / "spill"
        connection.execute(f"SET memory_limit='{MEMORY}'; SET temp_directory={quote(spill)}; SET threads=1")
        connection.execute(tables_sql(seed))
        connection.execute(MERGE_SQL)
        with scrubbing(connection):
            for table, split, sql in selections(corpus, content):
                path = staged / table / f"{split}.parquet"
                path.parent.mkdir(exist_ok=True)
                connection.execute(f"COPY ({sql}) TO {quote(path)} {PARQUET}")
                counted = connection.execute(f"SELECT count(*) FROM {quote_file(path)}").fetchall()
                rows.setdefault(table, {})[split] = int(counted[0][0])
        shutil.rmtree(spill, ignore_errors=True)
    for table in [table for table, counts in rows.items() if not any(counts.values())]:
        shutil.rmtree(staged / table)  # `datasets` reads no table without rows
        del rows[table]
    return rows


def selections(corpus: Corpus, content: Content) -> Iterator[tuple[str, str, str]]:
    """Table, split and the SQL of its rows."""
    published = published_sql(verbatim=ANNOTATION in corpus.annotations())
    for split in SPLITS:
        here = f"SELECT {public_id_sql('message_id')} FROM _message_split WHERE split = '{split}'"
        rows = f"SELECT * FROM ({published}) WHERE video_id IN ({here}) ORDER BY video_id"
        yield "published", split, said("published", rows) if content == "full" else only_ids(rows)
        for table, sql in FACTORS.items():
            if content == "full" or table in IDS:
                key = ", ".join(f't."{name}"' for name in TABLES[table].key)
                columns = ", ".join(f't."{name}"' for name in TABLES[table].names)
                order = f"{key}, {columns}" if table == "provenance" else key
                rows = sql.format(table=table, split=split, columns=columns, key=order)
                yield table, split, said(table, rows) if content == "full" else bare(table, rows)


def only_ids(rows: str) -> str:
    """Published rows with their ids alone: the video's and the channel's."""
    nothing = ", ".join(f"'{field}': NULL" for field in STRUCTS["channel_data"] if field != "channel_id")
    shown = {
        "video_id": "video_id",
        "channel_data": f"{{'channel_id': channel_data.channel_id, {nothing}}}::{PUBLISHED['channel_data']}",
    }
    columns = ", ".join(f"{shown.get(name, f'NULL::{type_}')} AS {name}" for name, type_ in PUBLISHED.items())
    return f"SELECT {columns} FROM ({rows})"


def bare(table: str, rows: str) -> str:
    """Rows of a table with its ids alone, each once."""
    columns = ", ".join(
        f'"{column.name}"' if column.name in IDS[table] else f'NULL::{column.type} AS "{column.name}"'
        for column in TABLES[table].columns
    )
    return f"SELECT DISTINCT {columns} FROM ({rows}) ORDER BY 1"


def write_papers(corpus: Corpus, staged: Path, about: dict[str, Any]) -> None:
    """Write the datasheet, what to fetch again, the Croissant description and the card."""
    (staged / "DATASHEET.md").write_text(datasheet_text(corpus.root, kept=True), encoding="utf-8")
    names = f"SELECT {public_id_sql('message_id')} AS id FROM read_parquet({quote_file(staged, '/message/*.parquet')})"
    ids = f"FROM ({names} WHERE channel = 'youtube' AND kind = 'video')"
    ids += r" WHERE regexp_full_match(id, '[\w-]{11}')"  # what can be asked for by id
    where = quote(staged / ID_LIST)
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({ids} ORDER BY id) TO {where} (FORMAT csv, HEADER false)")
    depth = "".join(f"#   {line}\n" for line in depth_of(corpus.root / "recipe.yaml").splitlines())
    (staged / "recipe.yaml").write_text(
        "# what this release holds, by id; `cbc corpus rehydrate` reads it\nyoutube:\n  videos: ids.txt\n"
        + (f"# the corpus was crawled this deep:\n{depth}" if depth else ""),
        encoding="utf-8",
    )
    (staged / "croissant.json").write_text(croissant_text(staged, about, newest(corpus)), encoding="utf-8")
    (staged / "README.md").write_text(card_text(corpus, about), encoding="utf-8")


def newest(corpus: Corpus) -> datetime | None:
    """The day of the corpus' newest observation."""
    with corpus.connect() as connection:
        found = connection.execute("SELECT max(coalesce(fetched_at, observed_at))::DATE::TIMESTAMP FROM provenance")
        day: datetime | None = found.fetchall()[0][0]
        return day


def depth_of(path: Path) -> str:
    """How deep a kept recipe says to crawl, without whom or what: those are more than ids."""
    found = yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_file() else None
    parts = found if isinstance(found, dict) else {}
    told = {
        name: {key: value for key, value in part.items() if key in DEPTH}
        for name, part in parts.items()
        if isinstance(part, dict)
    }
    told = {name: part for name, part in told.items() if part}
    return yaml.safe_dump(told, sort_keys=False) if told else ""


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below a folder, by its path in it."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): file_sha256(path) for path in paths}


def released_text(manifest: dict[str, Any], out: Path) -> str:
    """What was released, as lines."""
    lines = [f"{manifest['name']} {manifest['version']} ({manifest['content']}) in {out}"]
    lines += [
        f"  {table:13} " + ", ".join(f"{split} {rows:,}" for split, rows in found.items())
        for table, found in manifest["rows"].items()
    ]
    if manifest["content"] == "ids":
        lines.append(
            "ids only: `cbc corpus rehydrate` fetches the content again; where you may, --content full writes it"
        )
    return "\n".join([*lines, f"fingerprint {manifest['fingerprint'][:16]}; check with: sha256sum -c SHA256SUMS"])
