"""Find sources by name: built-in ones, those of other packages, and the shipped mappings for `table`."""

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
TABLE, SIMULATED = "table", "simulate"
MAPPINGS = Path(__file__).parent / "mappings"


class UnknownSource(CbcError):
    """No source or mapping has that name."""


def shipped_mappings() -> list[str]:
    """Names of the mappings shipped with cbc."""
    return sorted(path.stem for path in MAPPINGS.glob("*.yaml"))


def paged_sources() -> list[str]:
    """Names of the sources whose records are told apart by their ids. Raises NameClash, BrokenEntryPoint."""
    return [name for name, source in SOURCES.items() if source.paged]


def source_named(name: str, mapping: str | Path | None = None) -> Source:
    """Make the source of a name; `table` needs a mapping: the name of a shipped one, or a YAML file.

    Raises UnknownSource, BadMapping, NameClash, BrokenEntryPoint.
    """
    if name in SOURCES and name in (TABLE, *shipped_mappings()):
        raise NameClash(
            f"{SOURCES.paths[name]} adds a source called {name}, which is the name of a mapping of cbc",
            "uninstall it, or give its entry point another name",
        )
    if name in SOURCES and mapping is None:
        return SOURCES.make(name)
    if mapping is not None and name != TABLE:
        raise UnknownSource(f"the source {name} takes no mapping", "use `table` with --mapping")
    if name == TABLE and mapping is None:
        raise UnknownSource(
            "the source table needs a mapping", f"give --mapping a YAML file or one of {_list_shipped()}"
        )
    return _make_table(str(mapping or name))


def _make_table(mapping: str) -> Source:
    """Make the source `table` with a mapping. Raises UnknownSource, BadMapping."""
    from corpus.sources.mapping import load_mapping
    from corpus.sources.table import Table

    shipped = mapping in shipped_mappings()
    if not shipped and not Path(mapping).is_file():
        if Path(mapping).suffix in (".yaml", ".yml") or len(Path(mapping).parts) > 1:
            raise UnknownSource(f"there is no file {mapping}", f"check the path, or use one of {_list_shipped()}")
        known = ", ".join([*SOURCES, TABLE])
        raise UnknownSource(f"no source or mapping is called {mapping}", f"use one of {known}, {_list_shipped()}")
    path = MAPPINGS / f"{mapping}.yaml" if shipped else Path(mapping)
    table = Table(load_mapping(path))
    _check_name(table, path)
    return table


def _check_name(table: Source, path: Path) -> None:
    """Check that a mapping does not bear the name of a source, or of another mapping shipped. Raises BadMapping."""
    from corpus.sources.mapping import BadMapping, load_mapping

    taken = [*SOURCES, TABLE, SIMULATED]
    if table.name in taken:
        raise BadMapping(
            f"the mapping {path}: name: {table.name} is the name of a source", f"use none of {', '.join(taken)}"
        )
    if table.name in shipped_mappings() and load_mapping(MAPPINGS / f"{table.name}.yaml").digest != table.digest:
        raise BadMapping(
            f"the mapping {path}: name: {table.name} is the name of a shipped mapping with other content",
            f"use none of {_list_shipped()}",
        )


def _list_shipped() -> str:
    return ", ".join(shipped_mappings())
