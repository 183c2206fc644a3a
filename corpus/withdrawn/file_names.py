"""Rename the files of a withdrawn video: yt-dlp names them and their captions by its title.

An info file that was blanked, and the captions of the same name, lose their content and their names: in CORPUS/raw, in
the manifests of ingests and in the rejects.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from corpus.files.atomic import part_path, write_json
from corpus.files.parquet_frames import read_frame, write_frame
from corpus.withdrawn.search_terms import contains_any

NAMELESS = "withdrawn"
INFO = ".info.json"
DIGITS = 16  # of a file's digest, with which its name in raw/ begins


def forget_names(root: Path, arriving: Sequence[tuple[str, str]] = ()) -> dict[str, str]:
    """Rename blanked info files, and empty and rename the captions beside them.

    Returns the new name of each by the first digits of its digest; `arriving` are name and digest of files whose ingest
    has no manifest yet. Captions are matched within an ingest only: other folders may hold files of the same name.
    """
    manifests = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(root.glob("tables/*/manifest.json"))]
    ingests = [
        [(file["name"], file["sha256"][:DIGITS]) for file in manifest.get("files", [])] for manifest in manifests
    ]
    ingests.append([(name, digest[:DIGITS]) for name, digest in arriving])
    blank = {
        path.name[:DIGITS]
        for path in root.glob(f"raw/*/*{INFO}")
        if path.name[DIGITS + 1 :] != f"{NAMELESS}{INFO}" and is_blank(path)
    }
    renamed: dict[str, str] = {}
    for files in ingests:
        stems = {name.removesuffix(INFO) for name, digits in files if digits in blank and name.endswith(INFO)}
        for name, digits in files:
            stem = next((stem for stem in stems if name.startswith(f"{stem}.")), None)
            if digits in blank:
                renamed[digits] = f"{NAMELESS}{INFO}"
            elif stem is not None and not name.endswith(INFO):
                renamed[digits] = NAMELESS + name.removeprefix(stem)
    for digits, new in renamed.items():
        for path in sorted(root.glob(f"raw/*/{digits}-*")):
            if not new.endswith(INFO):
                path.write_bytes(b"")
            path.replace(path.with_name(f"{digits}-{new}"))
    return renamed


def is_blank(info: Path) -> bool:
    """Whether an info file was blanked."""
    if info.stat().st_size > 100:
        return False
    try:
        return bool(json.loads(info.read_bytes()) == {"withdrawn": True})
    except ValueError:
        return False


def rename_in_tables(root: Path, forms: list[str]) -> None:
    """Update the file names in manifests from raw/, and blank withdrawn text in rejects."""
    nameless = {path.name[:DIGITS]: path.name[DIGITS + 1 :] for path in root.glob(f"raw/*/*-{NAMELESS}.*")}
    for manifest in sorted(root.glob("tables/*/manifest.json")):
        content = json.loads(manifest.read_text(encoding="utf-8"))
        old = {file["name"] for file in content["files"] if file["sha256"][:DIGITS] in nameless}
        files = rename_files(content["files"], nameless)
        if files != content["files"]:
            write_json(manifest, {**content, "files": files})
        rejects = manifest.with_name("rejects.parquet")
        if rejects.is_file():
            clean_rejects(rejects, old, forms)


def rename_files(files: list[dict[str, str]], nameless: Mapping[str, str]) -> list[dict[str, str]]:
    """Replace names in the list of files of a manifest."""
    return [{**file, "name": nameless.get(file["sha256"][:DIGITS], file["name"])} for file in files]


def clean_rejects(path: Path, old: set[str], forms: list[str]) -> None:
    """Blank values in rejects that hold one of the forms, and the names of renamed files."""
    frame = read_frame(path)
    value, file = contains_any(frame["value"], forms), frame["file"].is_in(old) | contains_any(frame["file"], forms)
    if value.any() or file.any():
        part = part_path(path)
        nameless = pl.when(file).then(pl.lit(NAMELESS)).otherwise("file")
        write_frame(frame.with_columns(value=pl.when(~value).then("value"), file=nameless), part)
        part.replace(path)
