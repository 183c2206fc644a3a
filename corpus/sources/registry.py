"""Sources by name: the built-in ones, and every mapping in corpus/sources/mappings for `table`."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from corpus.errors import CbcError
from corpus.sources.base import Source

# Name of a source -> module and class; imported when asked for, so that the command starts quickly.
SOURCES: dict[str, tuple[str, str]] = {
    "ytdlp": ("corpus.sources.ytdlp", "YtDlp"),
    "published": ("corpus.sources.published", "Published"),
}
MAPPINGS = Path(__file__).parent / "mappings"


class UnknownSource(CbcError):
    """A source or mapping is named that does not exist."""


def shipped_mappings() -> list[str]:
    """Names of the mappings that come with the project."""
    return sorted(path.stem for path in MAPPINGS.glob("*.yaml"))


def source_named(name: str, mapping: str | Path | None = None) -> Source:
    """The source of that name; `table` needs a mapping (a shipped one's name or a YAML file). Raises UnknownSource."""
    if name in SOURCES and mapping is None:
        module, cls = SOURCES[name]
        made: Callable[[], Source] = getattr(import_module(module), cls)
        return made()
    known = ", ".join([*SOURCES, "table", *shipped_mappings()])
    raise UnknownSource(f"no source is called {name}", f"use one of {known}")
