"""The mapping language: a small YAML file that says which column of a file fills which column of the corpus.

A field is the name of a column (in JSON and parquet a dotted path), or a mapping with one of
  column: NAME                     the name of a column, where further keys follow
  const: TEXT                      the same text for every row
  template: "{test}-{index}"       columns put together; missing where one of them is missing
  file: REGEX                      the match of the regular expression's group in the file's name
and optionally
  pattern: REGEX                   only the match of the regular expression's group; missing where it does not match
  matches: REGEX                   true or false: whether the regular expression matches anywhere
  optional: true                   files without this column are read all the same
or a list of such: the first one with a value fills the field. For examples see corpus/sources/mappings.
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

from corpus.errors import CbcError, first_line
from corpus.schema import KINDS, MEDIA, METRICS
from corpus.strict_model import StrictModel, first_fault, yaml_fault

PLACE = re.compile(r"\{([^{}]+)\}")
DIRECTIVE = re.compile(r"%[-A-Za-z]")
GROUP = re.compile(r"(?<!\\)\((?!\?)")


def key(meaning: str, example: Any, default: Any = None) -> Any:
    """Declare an optional key of a mapping, with its meaning and an example for `cbc corpus mapping-help`."""
    return Field(default, description=meaning, examples=[example])


def needed(meaning: str, example: Any) -> Any:
    """Declare a required key of a mapping."""
    return Field(description=meaning, examples=[example])


class BadMapping(CbcError):
    """A mapping cannot be read, or breaks the rules of the language."""


class Cell(StrictModel):
    """One way to fill a field."""

    column: str | None = key("a column of the file; in JSON and parquet a dotted path", "page.title")
    const: str | None = key("the same text for every row", "youtube")
    template: str | None = key("columns put together; missing where one of them is missing", "{test}-{index}")
    file: str | None = key("a regular expression; the field is its one group in the file's name", "(train|val|test)")
    pattern: str | None = key(
        "only what the one group of this regular expression matches; else missing", "v=([\\w-]{11})"
    )
    matches: str | None = key("true or false: whether this regular expression matches anywhere", "(?i)sponsored")
    optional: bool = key("true: files without this column are read all the same", True, False)

    @model_validator(mode="after")
    def _one_origin(self) -> Cell:
        if sum(part is not None for part in (self.column, self.const, self.template, self.file)) != 1:
            raise ValueError("give one of column, const, template, file")
        if self.pattern is not None and self.matches is not None:
            raise ValueError("give pattern or matches")
        for regex in (self.pattern, self.file):
            if regex is not None and len(GROUP.findall(regex)) != 1:
                raise ValueError(f"the regular expression {regex!r} needs exactly one group")
        for regex in filter(None, (self.pattern, self.file, self.matches)):
            _check_regex(regex)
        return self

    @property
    def columns(self) -> list[str]:
        """Columns of the file that it reads."""
        return [self.column] if self.column is not None else PLACE.findall(self.template or "")

    def __str__(self) -> str:
        """Describe the origin."""
        origins = (self.column, self.const and f"always {self.const!r}", self.template, self.file and "the file's name")
        origin = next(text for text in origins if text is not None)
        regex = self.pattern or self.matches or self.file
        return f"{origin} (as far as {regex} finds it)" if regex else str(origin)


def _check_regex(regex: str) -> None:
    """Check a regular expression with DuckDB's engine (RE2). Raises ValueError."""
    try:
        duckdb.execute("SELECT regexp_matches('', ?)", [regex]).fetchall()  # unfetched rows keep the connection busy
    except duckdb.Error as error:
        raise ValueError(f"the regular expression {regex!r} is broken ({error})") from None


def _expand_cells(field: Any) -> Any:
    """Expand the short forms of a field to a list of mappings."""
    cells = field if isinstance(field, list) else [field]
    return [{"column": cell} if isinstance(cell, str) else cell for cell in cells]


def _not_empty(cells: tuple[Cell, ...]) -> tuple[Cell, ...]:
    if not cells:
        raise ValueError("an empty list fills nothing")
    return cells


Filled = Annotated[tuple[Cell, ...], BeforeValidator(_expand_cells), AfterValidator(_not_empty)]


def _expand_columns(columns: Any) -> Any:
    """Expand a list of columns that keep their names to a mapping."""
    return {name: name for name in columns} if isinstance(columns, list) else columns


def _not_message_id(columns: dict[str, Any]) -> dict[str, Any]:
    if "message_id" in columns:
        raise ValueError("message_id names the message, not an attribute")
    return columns


Word = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Columns = Annotated[dict[Word, Filled], BeforeValidator(_expand_columns), AfterValidator(_not_message_id)]


def _check_encoding(name: str) -> str:
    try:
        "".encode("utf-8" if name == "auto" else name)
        return name if name == "auto" else codecs.lookup(name).name
    except LookupError:
        raise ValueError(f"no encoding is called {name}") from None


def _check_metric(name: str) -> str:
    if name not in METRICS:
        raise ValueError(f"no metric is called {name}; known are {', '.join(METRICS)}")
    return name


def _check_medium(name: str) -> str:
    if name not in MEDIA:
        raise ValueError(f"no medium is called {name}; known are {', '.join(MEDIA)}")
    return name


class Message(StrictModel):
    """Columns of `message`; message_id is the medium's own id, published_at a time, duration_s seconds, "4:13" or
    ISO 8601 ("PT4M13S").
    """

    message_id: Filled = needed("the medium's own id of the message; a row without it is rejected", "video_id")
    title: Filled | None = key("title, subject or headline", "title")
    body: Filled | None = key("text, description or lede", ["text", "description"])
    published_at: Filled | None = key("when it was published; see `dates`", "publish_date")
    duration_s: Filled | None = key('seconds, "4:13" or ISO 8601 ("PT4M13S")', "duration")
    language: Filled | None = key("language code", {"column": "lang", "optional": True})
    category: Filled | None = key("category that the medium or its owner gives it", "category_name")
    country: Filled | None = key("country of the message", "country")
    licence: Filled | None = key("licence of the message, where each has its own", "license")
    campaign: Filled | None = key("what messages of one campaign or test share", "campaign_id")


class Communicator(StrictModel):
    """Columns of `communicator`; communicator_id is the medium's own id.

    Without as_of a communicator has a single row instead of one per observation.
    """

    communicator_id: Filled = needed("names who speaks", {"template": "brand:{brand}"})
    name: Filled | None = key("name shown", "channel_title")
    company: Filled | None = key("company behind it", "brand")
    audience: Filled | None = key("people who follow it", "subscribers")
    as_of: Filled | None = key("when name and audience were seen; without it a communicator has one row", "captured")


class Effect(StrictModel):
    """A measured behavior of each row: metric, value, how many could have acted, when it was observed."""

    metric: Annotated[str, AfterValidator(_check_metric)] = needed(f"one of {', '.join(METRICS)}", "likes")
    value: Filled = needed("its value; a fraction for rates", "like_count")
    exposure: Filled | None = key("how many could have acted", "view_count")
    at: Filled | None = key("when it was seen; several times give several observations", "captured")
    receiver: Filled | None = key("which receivers it is about, such as a segment", "Audience")
    zero_is_missing: bool = key("true: a 0 stands for a value that is missing", True, False)


class Replay(StrictModel):
    """A replay graph: a column with a list of markers {end, value} of equal length, and one with its time.

    `each`: a column with a list of records; `markers` and `at` are then keys of such a record.
    """

    markers: str = needed("the column with the list of markers", "heatmap")
    at: str | None = key("the column that says when the graph was seen", "captured")
    each: str | None = key("a column with a list of records; `markers` and `at` are then keys of a record", "heatmaps")
    end: str = key("a marker's key for its end in seconds", "end_time", "end_time")
    value: str = key("a marker's key for its value", "value", "value")

    @property
    def columns(self) -> list[str]:
        """Columns of the file that it reads."""
        return [self.each] if self.each else [self.markers, *([self.at] if self.at else [])]


class Attributes(StrictModel):
    """Further columns, kept as the annotation NAME@VERSION."""

    name: Word = needed("name of the annotation NAME@VERSION that holds them", "tweets")
    text: Columns = key("attributes that are texts: a list of columns, or attribute: field", ["category"], {})
    number: Columns = key("attributes that are numbers", {"recipients": "Total Recipients"}, {})
    truth: Columns = key("attributes that are true or false", ["winner"], {})


class Mapping(StrictModel):
    """Rules by which the files of one origin become rows."""

    name: Word = needed("name of the source, which no other has; the file's own name, if left out", "headlines")
    version: int = key("raise it when the same file shall become other rows", 2, 1)
    licence: str | None = key("licence of the collection", "CC-BY-4.0")
    files: list[str] = key("which files of a folder are read; all, if left out", ["*.csv", "*.csv.gz"], [])
    separator: Annotated[str, Field(min_length=1, max_length=1)] | None = key(
        "between fields; a comma, or a tab in .tsv files, if left out", ";"
    )
    encoding: Annotated[str, AfterValidator(_check_encoding)] = key("of the files; auto guesses it", "auto", "utf-8")
    mend_mojibake: bool = key("true: mend UTF-8 that was decoded wrongly before (Ã© for é)", True, False)
    missing: list[str] = key("texts that stand for a missing value", ["NA", "n/a"], [])
    dates: list[str] = key("formats of times beside ISO 8601, as strptime has them", ["%d.%m.%Y %H:%M"], [])
    channel: Annotated[str, AfterValidator(_check_medium)] = needed("the medium", "youtube")
    kind: str = needed(f"one of {', '.join(KINDS)}", "video")
    fetched_at: Filled | None = key("when a row was fetched; the file's time, if left out", "captured")
    message: Message = needed("what was said", {"message_id": "id", "body": "text"})
    communicator: Communicator | None = key("who said it", {"communicator_id": "user"})
    effects: list[Effect] = key("measured behavior", [{"metric": "likes", "value": "likes"}], [])
    replay: list[Replay] = key("replay graphs, merged into scenes", [{"markers": "heatmap"}], [])
    attributes: Attributes | None = key("further columns, kept apart", {"name": "posts", "text": ["category"]})

    @property
    def digest(self) -> str:
        """Digest of the content of the mapping, independent of the layout of its file."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]

    def fields(self) -> list[tuple[Cell, ...]]:
        """List every field that is filled."""
        parts: list[Any] = [self.message, self.communicator, *self.effects]
        fields = [value for part in parts if part for _, value in part if isinstance(value, tuple)]
        if self.attributes:
            attributes = self.attributes
            fields += [*attributes.text.values(), *attributes.number.values(), *attributes.truth.values()]
        return [*fields, self.fetched_at] if self.fetched_at else fields

    def cells(self) -> dict[str, str]:
        """Map each cell to where it comes from, as `Source.cells`."""
        origins: dict[str, str] = {}
        for table, part in (("message", self.message), ("communicator", self.communicator)):
            for name, field in part or ():
                if field is not None:
                    origins[f"{table}.{name}"] = "|".join(map(str, field))
        for effect in self.effects:
            origin = "|".join(map(str, effect.value)) + (", 0 being none" if effect.zero_is_missing else "")
            name = f"effect.{effect.metric}"
            origins[name] = f"{origins[name]}; {origin}" if name in origins else origin
        if self.replay:
            origins["effect.replay"] = "; ".join(f"{', '.join(graph.columns)}, markers merged" for graph in self.replay)
        return origins

    def columns(self) -> list[str]:
        """List the columns of the file that are read, in the order of the mapping, each once."""
        cells = [name for field in self.fields() for cell in field for name in cell.columns]
        graphs = [name for graph in self.replay for name in graph.columns]
        return list(dict.fromkeys([*cells, *graphs]))

    def lacking(self, present: set[str]) -> list[str]:
        """List missing columns that a file must have: those of required fields that no column present can fill."""
        missing = []
        for field in self.fields():
            filled = any(set(cell.columns) <= present for cell in field)
            if not filled and not any(cell.optional for cell in field):
                missing += [name for name in field[0].columns if name not in present]
        return list(dict.fromkeys(missing))


def load_mapping(path: Path) -> Mapping:
    """Read a mapping. Raises BadMapping."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadMapping(f"cannot read the mapping {path} ({yaml_fault(error)})", "correct the file") from None
    if not isinstance(content, dict):
        raise BadMapping(f"the mapping {path} holds no keys", "see corpus/sources/mappings for examples")
    try:
        mapping = Mapping.model_validate({"name": path.stem, **content})
    except ValidationError as error:
        raise BadMapping(
            f"the mapping {path}: {first_fault(error)}", "`cbc corpus mapping-help` lists the keys"
        ) from None
    check_values(mapping, path)
    return mapping


def check_values(mapping: Mapping, path: Path) -> None:
    """Check kind and dates, which mappings kept by earlier ingests may have wrong. Raises BadMapping."""
    if mapping.kind not in KINDS:
        known = ", ".join(KINDS)
        raise BadMapping(f"the mapping {path}: kind: no kind is called {mapping.kind}", f"use one of {known}")
    for form in mapping.dates:
        if why := _date_fault(form):
            raise BadMapping(f"the mapping {path}: dates: {form!r} {why}", 'write it like "%d.%m.%Y %H:%M"')


def _date_fault(form: str) -> str | None:
    """What is wrong with a format of times; None if DuckDB can parse by it."""
    if not DIRECTIVE.search(form.replace("%%", "")):
        return "is no format of times: it has no directive such as %Y"
    try:
        duckdb.execute("SELECT try_strptime('', ?)", [form]).fetchall()  # unfetched rows keep the connection busy
    except duckdb.Error as error:
        return f"is no format of times ({first_line(error)})"
    return None
