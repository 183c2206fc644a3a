"""Read a release's manifest.json, and find out which release a folder holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from corpus.errors import BrokenTable
from corpus.files.hashes import file_sha256
from corpus.store import read_manifest

FORMAT, FORMAT_VERSION = "cbc-release", 1
MANIFEST, SUMS = "manifest.json", "SHA256SUMS"
IDENTITY = ("name", "version", "content", "seed", "licence")
"""Name and settings of a release; two that agree in them must have equal files."""


def open_release(root: Path) -> dict[str, Any]:
    """Read the manifest of a release. Raises NoSuchPath, WrongVersion, BrokenTable."""
    make = "make one with `cbc corpus release --corpus DIR --out REL`"
    manifest = read_manifest(root, "release", (FORMAT, FORMAT_VERSION), make, "release its corpus again")
    lacking = [name for name in manifest["files"] if not (root / name).is_file()]
    if lacking:
        raise BrokenTable(f"{root} lacks {lacking[0]}", "get the release again, and check it with SHA256SUMS")
    return manifest


def is_release(manifest: Any) -> bool:
    """Whether a manifest is that of a release."""
    return isinstance(manifest, dict) and manifest.get("format") == FORMAT


def release_at(folder: Path) -> dict[str, Any] | None:
    """Read the manifest of the release in a folder; None if there is none, or it cannot be read."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return manifest if is_release(manifest) else None


def digests(folder: Path) -> dict[str, str]:
    """Map the path of every file below a folder to its SHA-256, except for the manifest and SHA256SUMS."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    names = {path.relative_to(folder).as_posix(): path for path in paths}
    return {name: file_sha256(path) for name, path in names.items() if name not in (MANIFEST, SUMS)}
