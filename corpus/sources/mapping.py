"""The mapping language: a small YAML that says which column of a file fills which column of the corpus.

A field is the name of a column (in JSON and parquet a dotted path), or a mapping with one of
  column: NAME                     the same, when more is to be said
  const: TEXT                      the same text for every row
  template: "{test}-{index}"       columns put together; missing where one of them is missing
  file: REGEX                      what the regular expression's group finds in the file's name
and with
  pattern: REGEX                   only what the regular expression's group finds in it; missing where it finds nothing
  matches: REGEX                   true or false: whether the regular expression finds anything in it
  optional: true                   files without this column are read all the same
or a list of such: the first one with a value fills it. Examples stand in corpus/sources/mappings.
"""

from __future__ import annotations

import codecs
import hashlib
import re
from pathlib import Path
from typing import Annotated, Any

import duckdb
import yaml
from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator

from corpus.errors import CbcError
from corpus.schema import MEDIA, METRICS
from corpus.strict_model import StrictModel, first_fault

PLACE = re.compile(r"\{([^{}]+)\}")
GROUP = re.compile(r"(?<!\\)\((?!\?)")


class BadMapping(CbcError):
    """A mapping cannot be read, or says what the language does not know."""


class Cell(StrictModel):
    """One way to fill a field."""

    column: str | None = None
    const: str | None = None
    template: str | None = None
    file: str | None = None
    pattern: str | None = None
    matches: str | None = None
    optional: bool = False

    @model_validator(mode="after")
    def _one_origin(self) -> Cell:
        if sum(part is not None for part in (self.column, self.const, self.template, self.file)) != 1:
            raise ValueError("give one of column, const, template, file")
        if self.pattern is not None and self.matches is not None:
            raise ValueError("give pattern or matches")
        for regex in (self.pattern, self.file):
            if regex is not None and len(GROUP.findall(regex)) != 1:
                raise ValueError(f"the regular expression {regex!r} needs exactly one group")
        for regex in (self.pattern, self.file, self.matches):
            _compiles(regex or "")
        return self

    @property
    def columns(self) -> list[str]:
        """Columns of the file it reads."""
        return [self.column] if self.column is not None else PLACE.findall(self.template or "")

    def __str__(self) -> str:
        """The origin in words."""
        origins = (self.column, self.const and f"always {self.const!r}", self.template, self.file and "the file's name")
        origin = next(told for told in origins if told is not None)
        regex = self.pattern or self.matches or self.file
        return f"{origin} (as far as {regex} finds it)" if regex else str(origin)


def _compiles(regex: str) -> None:
    """Raise ValueError for a regular expression that DuckDB's engine (RE2) does not know."""
    try:
        duckdb.execute("SELECT regexp_matches('', ?)", [regex]).fetchall()  # to the end, or the connection stays in use
    except duckdb.Error as error:
        raise ValueError(f"the regular expression {regex!r} is broken ({error})") from None


def _cells(given: Any) -> Any:
    """The short forms of a field, written out."""
    several = given if isinstance(given, list) else [given]
    return [{"column": one} if isinstance(one, str) else one for one in several]


def _some(cells: tuple[Cell, ...]) -> tuple[Cell, ...]:
    if not cells:
        raise ValueError("an empty list fills nothing")
    return cells


Filled = Annotated[tuple[Cell, ...], BeforeValidator(_cells), AfterValidator(_some)]


def _named(given: Any) -> Any:
    """A list of columns that keep their names, written out."""
    return {name: name for name in given} if isinstance(given, list) else given


def _free(columns: dict[str, Any]) -> dict[str, Any]:
    if "message_id" in columns:
        raise ValueError("message_id names the message, not an attribute")
    return columns


Word = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Columns = Annotated[dict[Word, Filled], BeforeValidator(_named), AfterValidator(_free)]


def _encoding(name: str) -> str:
    try:
        "".encode("utf-8" if name == "auto" else name)
        return name if name == "auto" else codecs.lookup(name).name
    except LookupError:
        raise ValueError(f"no encoding is called {name}") from None


def _metric(name: str) -> str:
    if name not in METRICS:
        raise ValueError(f"no metric is called {name}; known are {', '.join(METRICS)}")
    return name


def _medium(name: str) -> str:
    if name not in MEDIA:
        raise ValueError(f"no medium is called {name}; known are {', '.join(MEDIA)}")
    return name


class Message(StrictModel):
    """Columns of `message`; message_id is the medium's own id, published_at a time, duration_s seconds, "4:13" or
    ISO 8601 ("PT4M13S").
    """

    message_id: Filled
    title: Filled | None = None
    body: Filled | None = None
    published_at: Filled | None = None
    duration_s: Filled | None = None
    language: Filled | None = None
    category: Filled | None = None
    country: Filled | None = None
    licence: Filled | None = None
    campaign: Filled | None = None


class Communicator(StrictModel):
    """Columns of `communicator`; communicator_id is the medium's own id.

    Without as_of a communicator has one row, not one an observation.
    """

    communicator_id: Filled
    name: Filled | None = None
    company: Filled | None = None
    audience: Filled | None = None
    as_of: Filled | None = None


class Effect(StrictModel):
    """One measured behavior of each row: metric, value, how many could have acted, when it was seen."""

    metric: Annotated[str, AfterValidator(_metric)]
    value: Filled
    exposure: Filled | None = None
    at: Filled | None = None
    receiver: Filled | None = None
    zero_is_missing: bool = False


class Replay(StrictModel):
    """A replay graph: a column with a list of markers of equal length {end, value}, and one that says when it was seen.

    `each`: a column with a list of records; `markers` and `at` are then keys of such a record.
    """

    markers: str
    at: str | None = None
    each: str | None = None
    end: str = "end_time"
    value: str = "value"

    @property
    def columns(self) -> list[str]:
        """Columns of the file it reads."""
        return [self.each] if self.each else [self.markers, *([self.at] if self.at else [])]


class Attributes(StrictModel):
    """Columns kept apart from the tables, as the annotation NAME@VERSION."""

    name: Word
    text: Columns = {}
    number: Columns = {}
    truth: Columns = {}


class Mapping(StrictModel):
    """How the files of one origin become rows."""

    name: Word
    version: int = 1
    licence: str | None = None
    files: list[str] = []
    separator: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    encoding: Annotated[str, AfterValidator(_encoding)] = "utf-8"
    mend_mojibake: bool = False
    missing: list[str] = []
    dates: list[str] = []
    channel: Annotated[str, AfterValidator(_medium)]
    kind: str
    fetched_at: Filled | None = None
    message: Message
    communicator: Communicator | None = None
    effects: list[Effect] = []
    replay: list[Replay] = []
    attributes: Attributes | None = None

    @property
    def digest(self) -> str:
        """Tells mappings apart by what they say, not by how their files are laid out."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]

    def fields(self) -> list[tuple[Cell, ...]]:
        """Every field that is filled."""
        parts: list[Any] = [self.message, self.communicator, *self.effects]
        found = [value for part in parts if part for _, value in part if isinstance(value, tuple)]
        if self.attributes:
            found += [*self.attributes.text.values(), *self.attributes.number.values(), *self.attributes.truth.values()]
        return [*found, self.fetched_at] if self.fetched_at else found

    def cells(self) -> dict[str, str]:
        """Where each cell comes from, as `Source.cells` says it."""
        found: dict[str, str] = {}
        for table, part in (("message", self.message), ("communicator", self.communicator)):
            for name, field in part or ():
                if field is not None:
                    found[f"{table}.{name}"] = "|".join(map(str, field))
        for effect in self.effects:
            told = "|".join(map(str, effect.value)) + (", 0 being none" if effect.zero_is_missing else "")
            name = f"effect.{effect.metric}"
            found[name] = f"{found[name]}; {told}" if name in found else told
        if self.replay:
            found["effect.replay"] = "; ".join(f"{', '.join(graph.columns)}, markers merged" for graph in self.replay)
        return found

    def columns(self) -> list[str]:
        """Every column of the file that is read, in the order of the mapping, each once."""
        cells = [name for field in self.fields() for cell in field for name in cell.columns]
        graphs = [name for graph in self.replay for name in graph.columns]
        return list(dict.fromkeys([*cells, *graphs]))

    def lacking(self, present: set[str]) -> list[str]:
        """Columns without which a file is not of this kind: fields of which it has none and that are not optional."""
        bad = []
        for field in self.fields():
            filled = any(set(cell.columns) <= present for cell in field)
            if not filled and not any(cell.optional for cell in field):
                bad += [name for name in field[0].columns if name not in present]
        return list(dict.fromkeys(bad))


def load_mapping(path: Path) -> Mapping:
    """Read a mapping. Raises BadMapping."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadMapping(f"cannot read the mapping {path} ({str(error).splitlines()[0]})", "give a YAML file") from None
    if not isinstance(content, dict):
        raise BadMapping(f"the mapping {path} holds no keys", "see corpus/sources/mappings for examples")
    try:
        return Mapping.model_validate({"name": path.stem, **content})
    except ValidationError as error:
        raise BadMapping(
            f"the mapping {path}: {first_fault(error)}", "see corpus/sources/mapping.py for the keys"
        ) from None
