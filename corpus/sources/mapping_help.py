"""List every key of a mapping with its type, meaning and an example, from the model that reads mappings.

cbc corpus mapping-help
cbc corpus mapping-help --markdown > docs/mappings.md
"""

from __future__ import annotations

import json
from typing import NamedTuple

from pydantic.fields import FieldInfo

from corpus.printing import table_markdown, table_text
from corpus.sources.mapping import Attributes, Cell, Communicator, Effect, Mapping, Message, Replay
from corpus.strict_model import StrictModel

INTRO = """A mapping is a small YAML file that says which column of a CSV, JSONL or parquet file fills which column
of the corpus. `cbc corpus ingest table FILE --mapping MINE.yaml --corpus DIR` reads a file by it; complete ones stand
in corpus/sources/mappings. A field is the name of a column, or the keys of the last table below, or a list of such, of
which the first with a value fills it."""
SECTIONS: dict[str, tuple[str, type[StrictModel]]] = {
    "": ("The file", Mapping),
    "message": ("message: what was said", Message),
    "communicator": ("communicator: who said it", Communicator),
    "effects": ("effects: measured behavior, a list of such", Effect),
    "replay": ("replay: replay graphs, a list of such", Replay),
    "attributes": ("attributes: further columns, kept as an annotation", Attributes),
    "field": ("A field", Cell),
}
"""Key of a mapping -> its title, and the model of the keys below it."""
TYPES = {
    "dict[": "fields",
    "Cell": "field",
    "list[corpus": "list",
    "corpus.": "keys",
    "list[str]": "texts",
    "'bool'": "true or false",
    "'int'": "number",
    "": "text",
}
"""Part of a type annotation -> name of the type; the first that fits."""
HEADER = ("key", "type", "needed", "meaning", "example")


class Key(NamedTuple):
    """A key of a mapping; `example` is YAML."""

    section: str
    key: str
    type: str
    needed: bool
    meaning: str
    example: str


def mapping_keys() -> list[Key]:
    """List every key, section by section."""
    return [
        mapping_key(section, name, field)
        for section, (_, model) in SECTIONS.items()
        for name, field in model.model_fields.items()
    ]


def mapping_key(section: str, name: str, field: FieldInfo) -> Key:
    """Describe a key of a model."""
    type_ = next(word for part, word in TYPES.items() if part in str(field.annotation))
    needed = field.is_required() and (section, name) != ("", "name")  # a mapping without a name gets that of its file
    example = json.dumps((field.examples or [None])[0], ensure_ascii=False)
    return Key(section, name, type_, needed, str(field.description), f"{name}: {example}")


def rows_of(section: str) -> list[tuple[str, ...]]:
    """Keys of a section as rows under HEADER."""
    keys = [key for key in mapping_keys() if key.section == section]
    return [(key.key, key.type, "yes" if key.needed else "", key.meaning, key.example) for key in keys]


def mapping_help() -> str:
    """Format the reference for a terminal."""
    parts = [f"{title.upper()}\n{table_text(HEADER, rows_of(name), 200)}" for name, (title, _) in SECTIONS.items()]
    return "\n\n".join([INTRO, *parts])


def mapping_help_markdown() -> str:
    """Format the reference as docs/mappings.md."""
    parts = ["# Mappings: the keys", "Written by `cbc corpus mapping-help --markdown`.", INTRO]
    for name, (title, _) in SECTIONS.items():
        rows = [(f"`{key}`", *middle, f"`{example}`") for key, *middle, example in rows_of(name)]
        parts += [f"## {title}", table_markdown(HEADER, rows, 200)]
    return "\n\n".join(parts) + "\n"
