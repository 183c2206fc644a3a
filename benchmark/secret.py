"""The secret of a hidden bench: BENCH/private/secret.json, from which its names and all that it draws follow.

    {"secret": 64 hexadecimal digits, "seed": 0}

A name is replaced by its HMAC-SHA256 under the secret: equal names stay equal, and nobody without the secret can tell
which name it was, also not by trying names that are likely.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from corpus.errors import CbcError
from corpus.files.atomic import part_path

PLACE = Path("private") / "secret.json"
LEAST_BYTES, NEW_BYTES = 16, 32
NAME_DIGITS = 32
"""Hexadecimal digits of a keyed name: 128 bits."""


class BadSecret(CbcError):
    """A hidden bench's secret is missing, cannot be read, or is too short."""


@dataclass(frozen=True)
class Secret:
    """The key of a hidden bench, and the seed that was asked for."""

    key: bytes
    seed: int

    @property
    def drawn_seed(self) -> int:
        """What the bench is drawn with (splits, masks, options, panel) instead of the seed: 256 bits."""
        return int(self.digest(f"seed:{self.seed}"), 16)

    def digest(self, text: str) -> str:
        """Hex HMAC-SHA256 of a text."""
        return hmac.new(self.key, text.encode(errors="surrogatepass"), hashlib.sha256).hexdigest()

    def keyed(self, kind: str, names: pl.Series) -> pl.Series:
        """Names of a kind under the key; null stays null."""
        known = {name: self.digest(f"{kind}:{name}")[:NAME_DIGITS] for name in names.unique().drop_nulls()}
        return names.cast(pl.String).replace_strict(known, default=None, return_dtype=pl.String)

    def write(self, bench: Path) -> None:
        """Write the secret into the private part of a bench, readable for its owner alone."""
        path = bench / PLACE
        path.parent.mkdir(parents=True, exist_ok=True)
        part = part_path(path)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump({"secret": self.key.hex(), "seed": self.seed}, file)
        part.replace(path)


def read_secret(path: Path) -> Secret:
    """Read a secret's file. Raises BadSecret."""
    mend = f"name the private/secret.json of a hidden bench, or a file like it with {2 * NEW_BYTES} hexadecimal digits"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        key, seed = bytes.fromhex(content["secret"]), int(content.get("seed", 0))
    except OSError as error:
        raise BadSecret(f"{path} cannot be read ({error.strerror})", mend) from None
    except (ValueError, TypeError, KeyError, AttributeError):
        raise BadSecret(f"{path} holds no secret of a bench", mend) from None
    if len(key) < LEAST_BYTES:
        raise BadSecret(f"the secret in {path} has {8 * len(key)} bits, fewer than {8 * LEAST_BYTES}", mend)
    return Secret(key, seed)


def choose_secret(bench: Path, seed: int, file: Path | None) -> Secret:
    """The secret to build with: that of a file, that of the bench that is there, or a new one. Raises BadSecret."""
    if file is not None or (bench / PLACE).is_file():
        return Secret(read_secret(file or bench / PLACE).key, seed)
    return Secret(secrets.token_bytes(NEW_BYTES), seed)
