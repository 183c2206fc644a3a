"""Names of files that held one withdrawn video: yt-dlp names them by its title, and captions stand beside them.

An info file that was blanked, and the captions of the same name, lose their content and their names, in CORPUS/raw, in
the manifests of ingests and in what rejects quote.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from corpus.store import write_json
from corpus.takedown.marks import found_in

NAMELESS = "withdrawn"
INFO = ".info.json"
DIGITS = 16  # of a file's digest, that its name in raw/ begins with


def forget_names(root: Path) -> dict[str, str]:
    """Rename blanked files of single videos; gives the new name of each, by its digest's first digits."""
    renamed: dict[str, str] = {}
    for info in sorted(root.glob(f"raw/*/*{INFO}")):
        if info.name[DIGITS + 1 :] != f"{NAMELESS}{INFO}" and is_blank(info):
            stem = info.name[DIGITS + 1 :].removesuffix(INFO)
            for path in sorted(info.parent.iterdir()):
                name = path.name[DIGITS + 1 :]
                if path == info or name.startswith(f"{stem}."):
                    new = NAMELESS + name.removeprefix(stem)
                    if path != info:
                        path.write_bytes(b"")
                    path.replace(path.with_name(f"{path.name[:DIGITS]}-{new}"))
                    renamed[path.name[:DIGITS]] = new
    return renamed


def is_blank(info: Path) -> bool:
    """Whether an info file says no more than that it was withdrawn."""
    if info.stat().st_size > 100:
        return False
    try:
        return bool(json.loads(info.read_bytes()) == {"withdrawn": True})
    except ValueError:
        return False


def rename_in_tables(root: Path, forms: list[str]) -> None:
    """Give manifests the names that files in raw/ have now, and take what is withdrawn from what rejects quote."""
    nameless = {path.name[:DIGITS]: path.name[DIGITS + 1 :] for path in root.glob(f"raw/*/*-{NAMELESS}.*")}
    for manifest in sorted(root.glob("tables/*/manifest.json")):
        content = json.loads(manifest.read_text(encoding="utf-8"))
        old = {file["name"] for file in content["files"] if file["sha256"][:DIGITS] in nameless}
        files = named_anew(content["files"], nameless)
        if files != content["files"]:
            write_json(manifest, {**content, "files": files})
        rejects = manifest.with_name("rejects.parquet")
        if rejects.is_file():
            clean_rejects(rejects, old, forms)


def named_anew(files: list[dict[str, str]], nameless: Mapping[str, str]) -> list[dict[str, str]]:
    """A manifest's files under new names."""
    return [{**file, "name": nameless.get(file["sha256"][:DIGITS], file["name"])} for file in files]


def clean_rejects(path: Path, old: set[str], forms: list[str]) -> None:
    """Blank values that hold one of the forms, and names of files that have none any more."""
    frame = pl.read_parquet(path)
    value, file = found_in(frame["value"], forms), frame["file"].is_in(old) | found_in(frame["file"], forms)
    if value.any() or file.any():
        beside = path.with_name(f".{path.name}.part")
        nameless = pl.when(file).then(pl.lit(NAMELESS)).otherwise("file")
        frame.with_columns(value=pl.when(~value).then("value"), file=nameless).write_parquet(beside)
        beside.replace(path)
