"""Crawl recipes: one YAML says whose videos are fetched, how deep, and within which quota.

recipe = load_crawl_recipe(Path("brands.yaml"))        # examples: corpus/crawl/recipes
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, Field, ValidationError, model_validator

from corpus.errors import CbcError
from corpus.sources.wikidata import CHANNEL, CHANNEL_ID, NoCompanies, rows_of
from corpus.strict_model import StrictModel, first_fault

HANDLE = re.compile(r"@[\w.·-]{3,30}")
VIDEO_ID = re.compile(r"[\w-]{11}", re.ASCII)
WATCH_PAGE = re.compile(
    r"https?://(?:(?:www|m|music)\.)?(?:youtube\.com/(?:watch\?v=|shorts/|live/)|youtu\.be/)([\w-]{11})(?:[?&#].*)?",
    re.ASCII,
)
URL = re.compile(r"https?://[^\s/@]+(?:/\S*)?")  # without a name and password before the host
LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8})*")


class BadCrawlRecipe(CbcError):
    """A crawl recipe does not parse: an unknown key, a wrong value, or broken YAML."""


def _channel(name: str) -> str:
    if not (CHANNEL_ID.fullmatch(name) or HANDLE.fullmatch(name)):
        raise ValueError(f"{name!r} is no channel: give an id (UC and 22 characters) or a handle (@name)")
    return name


def _video(name: str) -> str:
    """A video as the frontier names it: YouTube's id wherever it is one, so that each stands there once."""
    if found := WATCH_PAGE.fullmatch(name):
        return found[1]
    if not (VIDEO_ID.fullmatch(name) or URL.fullmatch(name)):
        raise ValueError(f"{name!r} is no video: give an id (11 characters) or the address of its page")
    return name


def _language(name: str) -> str:
    if not LANGUAGE.fullmatch(name):
        raise ValueError(f"{name!r} is no language: give a tag such as en or pt-BR")
    return name


class Youtube(StrictModel):
    """Which channels, how many of their newest uploads (null: all), and how many pages of 100 comments a video.

    `companies` is a result of query.wikidata.org beside the recipe (corpus/crawl/recipes/companies.rq): its channels
    are added to those named. `names` are searched for, which costs one of the day's few searches each: the channel that
    the search puts first is taken. `videos` is a text file beside the recipe with a video id a line. `ages_days` asks
    again for each video when it has these ages, for counts that can be compared.
    """

    channels: list[Annotated[str, AfterValidator(_channel)]] = []
    companies: Path | None = None
    names: list[Annotated[str, Field(min_length=2, max_length=100)]] = []
    videos: Path | None = None
    ages_days: list[Annotated[int, Field(ge=1, le=365)]] = []
    videos_per_channel: int | None = Field(default=None, ge=1)
    comment_pages: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _names_channels(self) -> Youtube:
        if not (self.channels or self.names or self.companies or self.videos):
            raise ValueError("name channels, names to search for, a file of companies or one of videos")
        return self


class Ytdlp(StrictModel):
    """What yt-dlp fetches for each video that the API tells, and for `videos`: ids, or any page it can read.

    `subtitles` are languages of captions, the written ones before automatic ones; translations by machine are left out.
    `media` is a format as yt-dlp names it, e.g. "b[height<=480]": the file goes to CORPUS/media, if it has at most
    `max_bytes`. Between two calls a random time of `sleep_s` passes; where the site says that calls are too many, the
    whole stage waits `pause_s`.
    """

    videos: list[Annotated[str, AfterValidator(_video)]] = []
    subtitles: list[Annotated[str, AfterValidator(_language)]] = ["en"]
    media: Literal[False] | Annotated[str, Field(min_length=1)] = False
    max_bytes: int | None = Field(default=None, ge=1)
    sleep_s: tuple[Annotated[float, Field(ge=0)], Annotated[float, Field(ge=0, le=3600)]] = (5.0, 10.0)
    pause_s: float = Field(default=3600.0, ge=0, le=86_400)
    concurrency: int = Field(default=1, ge=1, le=4)

    @model_validator(mode="after")
    def _fits(self) -> Ytdlp:
        if self.sleep_s[0] > self.sleep_s[1]:
            raise ValueError("sleep_s gives the shortest time first")
        if self.media and "+" in self.media and shutil.which("ffmpeg") is None:
            raise ValueError("media joins two files with +, which takes ffmpeg: install it, or name one file, e.g. b")
        return self


class Quota(StrictModel):
    """What may be spent: units and searches a day (they are reset at midnight Pacific time)."""

    units_per_day: int = Field(default=10_000, ge=1)
    searches_per_day: int = Field(default=100, ge=1)


class CrawlRecipe(StrictModel):
    """What to fetch from where; `concurrency` calls at a time, `tries` a call at most, `wait_s` before the second.

    `opt_out` is a text file beside the recipe with a channel id, handle or video id a line: they are never asked for.
    """

    youtube: Youtube | None = None
    ytdlp: Ytdlp | None = None
    opt_out: Path | None = None
    quota: Quota = Quota()
    concurrency: int = Field(default=4, ge=1, le=32)
    tries: int = Field(default=6, ge=1)
    wait_s: float = Field(default=2.0, ge=0)

    @model_validator(mode="after")
    def _names_something(self) -> CrawlRecipe:
        if self.youtube is None and not (self.ytdlp and self.ytdlp.videos):
            raise ValueError("name what to fetch: youtube.channels, or ytdlp.videos")
        return self


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


def companies(path: Path) -> tuple[list[str], list[str]]:
    """Channel ids of a result of query.wikidata.org, each once, and the cells that are none. Raises BadCrawlRecipe."""
    ids: dict[str, None] = {}
    misread: dict[str, None] = {}
    try:
        for row in rows_of(path):
            cell = row.cells.get(CHANNEL, "")
            (ids if CHANNEL_ID.fullmatch(cell) else misread).setdefault(cell)
    except (OSError, NoCompanies) as error:
        told = str(error).splitlines()[0]
        raise BadCrawlRecipe(f"cannot read the companies ({told})", "run corpus/crawl/recipes/companies.rq") from None
    return list(ids), [cell for cell in misread if cell]


def listed_videos(path: Path) -> list[str]:
    """The video ids of a text file, each once. Raises BadCrawlRecipe."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        told = str(error).splitlines()[0]
        raise BadCrawlRecipe(f"cannot read the list of videos {path} ({told})", "give a text file") from None
    names = [(number, name) for number, line in enumerate(lines, 1) if (name := line.partition("#")[0].strip())]
    for number, name in names:
        if not VIDEO_ID.fullmatch(name):
            raise BadCrawlRecipe(f"{path}, line {number}: {name[:40]!r} is no video id", "give 11 characters a line")
    return list(dict.fromkeys(name for _, name in names))


def _beside(recipe: CrawlRecipe, folder: Path) -> CrawlRecipe:
    """The recipe with its files found and its companies' channels read. Raises BadCrawlRecipe."""
    changed: dict[str, Any] = {}
    if recipe.opt_out:
        changed["opt_out"] = folder / recipe.opt_out
    if recipe.youtube and recipe.youtube.videos:
        path = folder / recipe.youtube.videos
        listed_videos(path)
        changed["youtube"] = recipe.youtube.model_copy(update={"videos": path})
    if recipe.youtube and recipe.youtube.companies:
        path = folder / recipe.youtube.companies
        ids, _ = companies(path)
        if not ids and not recipe.youtube.channels:
            raise BadCrawlRecipe(f"{path} names no YouTube channel", "run corpus/crawl/recipes/companies.rq")
        channels = list(dict.fromkeys([*recipe.youtube.channels, *ids]))
        read = {"companies": path, "channels": channels}
        changed["youtube"] = changed.get("youtube", recipe.youtube).model_copy(update=read)
    return recipe.model_copy(update=changed)


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
        return _beside(CrawlRecipe.model_validate(content), path.parent)
    except ValidationError as error:
        raise BadCrawlRecipe(f"the recipe {path}: {first_fault(error)}", mend) from None
