"""Take the rows and raw files of one ingest out of a corpus; stopped at any instant, the next ingest completes it.

CORPUS/forget.json names the ingest from before its first file goes until its last one is gone.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from corpus.files.atomic import write_json
from corpus.store import Corpus

PENDING = "forget.json"


def forget_ingest(corpus: Corpus, manifest: dict[str, Any]) -> list[Path]:
    """Remove an ingest of the corpus, which the caller holds; gives the raw files removed."""
    raw = raw_files_of_it_alone(corpus, manifest)
    names = [str(path.relative_to(corpus.root)) for path in raw]
    write_json(corpus.root / PENDING, {"ingest": manifest["ingest"], "raw": names})
    complete_forgetting(corpus)
    return raw


def complete_forgetting(corpus: Corpus) -> str | None:
    """Go on with what `forget_ingest` was stopped in; gives the name of the ingest, None where nothing waits."""
    pending = corpus.root / PENDING
    if not pending.is_file():
        return None
    content = json.loads(pending.read_text(encoding="utf-8"))
    name = str(content["ingest"])
    _remove_folder(corpus, corpus.root / "tables" / name)
    for path in [*corpus.root.glob(f"annotations/*/{name}.parquet"), *(corpus.root / raw for raw in content["raw"])]:
        path.unlink(missing_ok=True)
    corpus.refresh()
    pending.unlink()
    return name


def raw_files_of_it_alone(corpus: Corpus, manifest: dict[str, Any]) -> list[Path]:
    """The raw files that an ingest read and no other ingest of that source did."""
    source, name = _source_name(manifest), manifest["ingest"]
    others = [one for one in corpus.ingests() if one["ingest"] != name and _source_name(one) == source]
    needed = {file["sha256"] for one in others for file in one["files"]}
    own = [file["sha256"] for file in manifest["files"] if file["sha256"] not in needed]
    return sorted(path for digest in own for path in corpus.root.glob(f"raw/{source}/{digest[:16]}-*"))


def _source_name(manifest: dict[str, Any]) -> str:
    return str(manifest["source"]).split("@")[0]


def _remove_folder(corpus: Corpus, folder: Path) -> None:
    """Take a folder of the corpus away in one rename, then remove it."""
    if folder.is_dir():
        aside = corpus.root / "tmp" / "forgotten"
        shutil.rmtree(aside, ignore_errors=True)
        aside.parent.mkdir(exist_ok=True)
        folder.replace(aside)
        shutil.rmtree(aside)
