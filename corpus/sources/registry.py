"""Sources by name: the built-in ones, those of other packages, and the mappings that ship for `table`."""

from __future__ import annotations

from pathlib import Path

from corpus.errors import CbcError
from corpus.registry import NameClash, Registry
from corpus.sources.base import Source

SOURCES: Registry[Source] = Registry(
    "source",
    "cbc.sources",
    {
        "ytdlp": "corpus.sources.ytdlp:YtDlp",
        "published": "corpus.sources.published:Published",
        "youtube_api": "corpus.sources.youtube_api:YoutubeApi",
        "wikidata": "corpus.sources.wikidata:Wikidata",
        "x_api": "corpus.sources.x_api:XApi",
        "mbox": "corpus.sources.mbox:Mbox",
    },
    Source,
)
TABLE = "table"
MAPPINGS = Path(__file__).parent / "mappings"


class UnknownSource(CbcError):
    """A source or mapping is named that does not exist."""


def shipped_mappings() -> list[str]:
    """Names of the mappings that come with the project."""
    return sorted(path.stem for path in MAPPINGS.glob("*.yaml"))


def paged_sources() -> list[str]:
    """Names of the sources whose records are known by the ids in them. Raises NameClash, BrokenEntryPoint."""
    return [name for name, source in SOURCES.items() if source.paged]


def source_named(name: str, mapping: str | Path | None = None) -> Source:
    """The source of that name; `table` needs a mapping: a shipped one's name or a YAML file.

    Raises UnknownSource, BadMapping, NameClash, BrokenEntryPoint.
    """
    if name in SOURCES and name in (TABLE, *shipped_mappings()):
        raise NameClash(
            f"{SOURCES.paths[name]} adds a source called {name}, as a mapping of cbc is",
            "uninstall it, or give its entry point another name",
        )
    if name in SOURCES and mapping is None:
        return SOURCES.make(name)
    if mapping is not None and name != TABLE:
        raise UnknownSource(f"the source {name} takes no mapping", "use `table` with --mapping")
    if name == TABLE and mapping is None:
        raise UnknownSource("the source table needs a mapping", f"give --mapping a YAML file or one of {_shipped()}")
    return _mapped(str(mapping or name))


def _mapped(mapping: str) -> Source:
    """The source `table` with a mapping. Raises UnknownSource, BadMapping."""
    from corpus.sources.mapping import load_mapping
    from corpus.sources.table import Table

    shipped = mapping in shipped_mappings()
    if not shipped and not Path(mapping).is_file():
        known = ", ".join([*SOURCES, TABLE])
        raise UnknownSource(f"no source or mapping is called {mapping}", f"use one of {known}, {_shipped()}")
    return Table(load_mapping(MAPPINGS / f"{mapping}.yaml" if shipped else Path(mapping)))


def _shipped() -> str:
    return ", ".join(shipped_mappings())
