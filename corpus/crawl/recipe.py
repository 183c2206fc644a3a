"""Crawl recipes: one YAML says whose videos are fetched, how deep, and within which quota.

recipe = load_crawl_recipe(Path("brands.yaml"))        # examples: corpus/crawl/recipes
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from corpus.errors import CbcError

CHANNEL_ID = re.compile(r"UC[\w-]{22}")
HANDLE = re.compile(r"@[\w.·-]{3,30}")


class BadCrawlRecipe(CbcError):
    """A crawl recipe does not parse: an unknown key, a wrong value, or broken YAML."""


def _channel(name: str) -> str:
    if not (CHANNEL_ID.fullmatch(name) or HANDLE.fullmatch(name)):
        raise ValueError(f"{name!r} is no channel: give an id (UC and 22 characters) or a handle (@name)")
    return name


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Youtube(_Strict):
    """Which channels, how many of their newest uploads (null: all), and how many pages of 100 comments a video."""

    channels: list[Annotated[str, AfterValidator(_channel)]] = Field(min_length=1)
    videos_per_channel: int | None = Field(default=None, ge=1)
    comment_pages: int = Field(default=0, ge=0)


class Quota(_Strict):
    """What may be spent: units a day (they are reset at midnight Pacific time)."""

    units_per_day: int = Field(default=10_000, ge=1)


class CrawlRecipe(_Strict):
    """What to fetch from where; `concurrency` calls at a time, `tries` a call at most, `wait_s` before the second.

    `opt_out` is a text file beside the recipe with a channel id, handle or video id a line: they are never asked for.
    """

    youtube: Youtube
    opt_out: Path | None = None
    quota: Quota = Quota()
    concurrency: int = Field(default=4, ge=1, le=32)
    tries: int = Field(default=6, ge=1)
    wait_s: float = Field(default=2.0, ge=0)


def opted_out(recipe: CrawlRecipe) -> frozenset[str]:
    """Ids and handles that nobody wants fetched. Raises BadCrawlRecipe."""
    if recipe.opt_out is None:
        return frozenset()
    try:
        lines = recipe.opt_out.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        told = str(error).splitlines()[0]
        raise BadCrawlRecipe(f"cannot read the opt-out list {recipe.opt_out} ({told})", "give a text file") from None
    return frozenset(name for line in lines if (name := line.partition("#")[0].strip()))


def load_crawl_recipe(path: Path) -> CrawlRecipe:
    """Read a recipe. Raises BadCrawlRecipe."""
    mend = "see corpus/crawl/recipes for an example"
    try:
        content: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadCrawlRecipe(f"cannot read the recipe {path} ({str(error).splitlines()[0]})", mend) from None
    if not isinstance(content, dict):
        raise BadCrawlRecipe(f"the recipe {path} holds no keys", mend)
    try:
        found = CrawlRecipe.model_validate(content)
        return found if found.opt_out is None else found.model_copy(update={"opt_out": path.parent / found.opt_out})
    except ValidationError as error:
        first = error.errors()[0]
        key, what = ".".join(map(str, first["loc"])), first["msg"].removeprefix("Value error, ")
        told = f"unknown key {key}" if first["type"] == "extra_forbidden" else f"{key}: {what}"
        raise BadCrawlRecipe(f"the recipe {path}: {told}", mend) from None
