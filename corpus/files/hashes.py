"""Digests of files for manifests and SHA256SUMS."""

from __future__ import annotations

import hashlib
from pathlib import Path


def file_sha256(path: Path) -> str:
    """Hex digest of a file's bytes. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def model_sha256(folder: Path) -> str:
    """Hex digest over the configuration, tokenizer and weights of a model: it identifies it in any folder."""
    total = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.suffix in (".json", ".safetensors", ".model"):
            total.update(path.name.encode() + bytes.fromhex(file_sha256(path)))
    return total.hexdigest()


def fingerprint(files: dict[str, str]) -> str:
    """Hex digest over the digests of many files."""
    return hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest()


def sums_text(files: dict[str, str]) -> str:
    """Lines of a SHA256SUMS file, as `sha256sum -c` reads them."""
    return "".join(f"{digest}  {path}\n" for path, digest in files.items())
