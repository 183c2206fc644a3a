"""The source that made an ingest, out of its manifest."""

from __future__ import annotations

from typing import Any

import yaml

from corpus.errors import CbcError
from corpus.sources.base import Source
from corpus.sources.mapping import Mapping
from corpus.sources.registry import source_named
from corpus.sources.table import Table


def name_of(manifest: dict[str, Any]) -> str:
    """The source's name, without its version."""
    return str(manifest.get("source", "")).split("@")[0]


def source_of(manifest: dict[str, Any]) -> Source | None:
    """The source of an ingest; None for one that needs no files, and where its mapping is not known any more."""
    try:
        if manifest.get("settings"):
            return Table(Mapping.model_validate(yaml.safe_load(manifest["settings"])))
        return source_named(name_of(manifest))
    except (CbcError, ValueError):
        return None
