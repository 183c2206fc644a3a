"""Crawl recipes: a YAML file states whose videos are fetched, how deep, and within which quota.

recipe = load_crawl_recipe(Path("brands.yaml"))        # examples: corpus/crawl/recipes
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, Field, ValidationError, model_validator

from corpus.errors import CbcError, first_line
from corpus.sources.wikidata import CHANNEL, CHANNEL_ID, NoCompanies, rows_of
from corpus.strict_model import StrictModel, first_fault, yaml_fault

HANDLE = re.compile(r"@[\w.·-]{3,30}")
VIDEO_ID = re.compile(r"[\w-]{11}", re.ASCII)
WATCH_PAGE = re.compile(
    r"https?://(?:(?:www|m|music)\.)?(?:youtube\.com/(?:watch\?v=|shorts/|live/)|youtu\.be/)([\w-]{11})(?:[?&#].*)?",
    re.ASCII,
)
URL = re.compile(r"https?://[^\s/@]+(?:/\S*)?")  # no user name and password before the host
LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8})*")


class BadCrawlRecipe(CbcError):
    """A crawl recipe or a file that it names cannot be read: broken YAML, an unknown key, a wrong value."""


def _check_channel(name: str) -> str:
    if not (CHANNEL_ID.fullmatch(name) or HANDLE.fullmatch(name)):
        raise ValueError(f"{name!r} is no channel: give an id (UC and 22 characters) or a handle (@name)")
    return name


def _parse_video(name: str) -> str:
    """Reduce the address of a YouTube page to its id, so that each video is in the frontier once."""
    if match := WATCH_PAGE.fullmatch(name):
        return match[1]
    if not (VIDEO_ID.fullmatch(name) or URL.fullmatch(name)):
        raise ValueError(f"{name!r} is no video: give an id (11 characters) or the address of its page")
    return name


def _check_language(name: str) -> str:
    if not LANGUAGE.fullmatch(name):
        raise ValueError(f"{name!r} is no language: give a tag such as en or pt-BR")
    return name


class Youtube(StrictModel):
    """What to fetch from the Data API: channels, their newest uploads (null: all), pages of 100 comments per video.

    `companies` is a query result of query.wikidata.org beside the recipe (corpus/crawl/recipes/companies.rq); its
    channels are added. Each of `names` costs a search, of which a day has few; the channel that the search ranks first
    is taken. `videos` is a text file beside the recipe with a video id per line. `ages_days` fetches each video again
    at these ages, for comparable counts.
    """

    channels: list[Annotated[str, AfterValidator(_check_channel)]] = []
    companies: Path | None = None
    names: list[Annotated[str, Field(min_length=2, max_length=100)]] = []
    videos: Path | None = None
    ages_days: list[Annotated[int, Field(ge=1, le=365)]] = []
    videos_per_channel: int | None = Field(default=None, ge=1)
    comment_pages: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _check_targets(self) -> Youtube:
        if not (self.channels or self.names or self.companies or self.videos):
            raise ValueError("name channels, names to search for, a file of companies or a file of videos")
        return self


class Ytdlp(StrictModel):
    """What yt-dlp fetches for each video of the API, and for `videos`: ids, or addresses of pages that it can read.

    `subtitles` are languages of captions, written before automatic; machine translations are left out. `media` is a
    format in yt-dlp's notation, e.g. "b[height<=480]"; the file goes to CORPUS/media if it has at most `max_bytes`. A
    random time of `sleep_s` passes between calls. When the site limits the rate, the whole stage waits `pause_s`.
    """

    videos: list[Annotated[str, AfterValidator(_parse_video)]] = []
    subtitles: list[Annotated[str, AfterValidator(_check_language)]] = ["en"]
    media: Literal[False] | Annotated[str, Field(min_length=1)] = False
    max_bytes: int | None = Field(default=None, ge=1)
    sleep_s: tuple[Annotated[float, Field(ge=0)], Annotated[float, Field(ge=0, le=3600)]] = (5.0, 10.0)
    pause_s: float = Field(default=3600.0, ge=0, le=86_400)
    concurrency: int = Field(default=1, ge=1, le=4)

    @model_validator(mode="after")
    def _check_values(self) -> Ytdlp:
        if self.sleep_s[0] > self.sleep_s[1]:
            raise ValueError("sleep_s gives the shortest time first")
        if self.media and "+" in self.media and shutil.which("ffmpeg") is None:
            raise ValueError(
                "media joins two files with +, which needs ffmpeg: install it, or name a single file, e.g. b"
            )
        return self


class Quota(StrictModel):
    """Units and searches to spend per day; they are reset at midnight Pacific time."""

    units_per_day: int = Field(default=10_000, ge=1)
    searches_per_day: int = Field(default=100, ge=1)


class CrawlRecipe(StrictModel):
    """What to fetch and how: `concurrency` calls at a time, at most `tries` of each, `wait_s` before the second.

    `opt_out` is a text file beside the recipe with a channel id, handle or video id per line; these are not requested.
    """

    youtube: Youtube | None = None
    ytdlp: Ytdlp | None = None
    opt_out: Path | None = None
    quota: Quota = Quota()
    concurrency: int = Field(default=4, ge=1, le=32)
    tries: int = Field(default=6, ge=1)
    wait_s: float = Field(default=2.0, ge=0)

    @model_validator(mode="after")
    def _check_targets(self) -> CrawlRecipe:
        if self.youtube is None and not (self.ytdlp and self.ytdlp.videos):
            raise ValueError("name what to fetch: youtube.channels, or ytdlp.videos")
        return self


def read_opt_out(recipe: CrawlRecipe) -> frozenset[str]:
    """Ids and handles of the opt-out list. Raises BadCrawlRecipe."""
    return frozenset(_read_list(recipe.opt_out, "opt-out list").values()) if recipe.opt_out else frozenset()


def read_videos(path: Path) -> list[str]:
    """Distinct video ids of a text file. Raises BadCrawlRecipe."""
    names = _read_list(path, "list of videos")
    for number, name in names.items():
        if not VIDEO_ID.fullmatch(name):
            raise BadCrawlRecipe(f"{path}, line {number}: {name[:40]!r} is no video id", "give 11 characters a line")
    return list(dict.fromkeys(names.values()))


def _read_list(path: Path, kind: str) -> dict[int, str]:
    """Entries of a text file by line number, without comments (#) and blank lines. Raises BadCrawlRecipe."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadCrawlRecipe(f"cannot read the {kind} {path} ({first_line(error)})", "give a text file") from None
    return {number: name for number, line in enumerate(lines, 1) if (name := line.partition("#")[0].strip())}


def read_companies(path: Path) -> tuple[list[str], list[str]]:
    """Distinct channel ids of a Wikidata query result, and the cells that are no id. Raises BadCrawlRecipe."""
    ids: dict[str, None] = {}
    wrong_cells: dict[str, None] = {}
    try:
        for row in rows_of(path):
            cell = row.cells.get(CHANNEL, "")
            (ids if CHANNEL_ID.fullmatch(cell) else wrong_cells).setdefault(cell)
    except (OSError, NoCompanies) as error:
        what = f"cannot read the companies ({first_line(error)})"
        raise BadCrawlRecipe(what, "run corpus/crawl/recipes/companies.rq at query.wikidata.org") from None
    return list(ids), [cell for cell in wrong_cells if cell]


def _read_files(recipe: CrawlRecipe, folder: Path) -> CrawlRecipe:
    """The recipe with paths from its folder and the channels of its companies. Raises BadCrawlRecipe."""
    changed: dict[str, Any] = {}
    if recipe.opt_out:
        changed["opt_out"] = folder / recipe.opt_out
    if recipe.youtube and recipe.youtube.videos:
        path = folder / recipe.youtube.videos
        read_videos(path)  # refuses a wrong list before the crawl begins
        changed["youtube"] = recipe.youtube.model_copy(update={"videos": path})
    if recipe.youtube and recipe.youtube.companies:
        path = folder / recipe.youtube.companies
        ids, _ = read_companies(path)
        if not ids and not recipe.youtube.channels:
            raise BadCrawlRecipe(f"{path} names no YouTube channel", "run corpus/crawl/recipes/companies.rq anew")
        channels = list(dict.fromkeys([*recipe.youtube.channels, *ids]))
        update = {"companies": path, "channels": channels}
        changed["youtube"] = changed.get("youtube", recipe.youtube).model_copy(update=update)
    return recipe.model_copy(update=changed)


def load_crawl_recipe(path: Path) -> CrawlRecipe:
    """Read a recipe. Raises BadCrawlRecipe."""
    mend = "see corpus/crawl/recipes for an example"
    try:
        content: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadCrawlRecipe(f"cannot read the recipe {path} ({yaml_fault(error)})", mend) from None
    if not isinstance(content, dict):
        raise BadCrawlRecipe(f"the recipe {path} holds no keys", mend)
    try:
        return _read_files(CrawlRecipe.model_validate(content), path.parent)
    except ValidationError as error:
        raise BadCrawlRecipe(f"the recipe {path}: {first_fault(error)}", mend) from None
