"""What is known of a message whose behavior is forecast: from a JSON file, or from a media file and options."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, field_validator, model_validator

from corpus.errors import CbcError, NoSuchPath
from corpus.strict_model import StrictModel, first_fault

LARGEST_JSON = 10_000_000  # bytes
LONGEST_S, MOST_FOLLOWERS, MOST_SCENES = 1e6, 10**11, 200
YEARS = 1990, 2200


class BadDescription(CbcError):
    """A JSON file does not describe a message."""


class Scene(StrictModel):
    """A stretch of a message, in seconds, and what is seen and said in it."""

    start_s: float = Field(ge=0, le=LONGEST_S)
    end_s: float = Field(gt=0, le=LONGEST_S)
    captions: list[str] = []
    objects: list[str] = []
    actions: list[str] = []
    screen_text: list[str] = []
    speech: list[str] = []


class Description(StrictModel):
    """A message by the names of corpus/schema.py; `audience` are followers, `media` a path beside the JSON file."""

    title: str | None = None
    body: str | None = None
    company: str | None = None
    audience: int | None = Field(default=None, ge=0, le=MOST_FOLLOWERS)
    published_at: datetime | None = None
    category: str | None = None
    country: str | None = None
    language: str | None = None
    duration_s: float | None = Field(default=None, gt=0, le=LONGEST_S)
    media: Path | None = None
    scenes: list[Scene] = Field(default=[], max_length=MOST_SCENES)

    @field_validator("published_at")
    @classmethod
    def of_our_time(cls, time: datetime | None) -> datetime | None:
        """Calendars, and days that are added, end somewhere."""
        if time is not None and not YEARS[0] <= time.year <= YEARS[1]:
            raise ValueError(f"the year must be {YEARS[0]} to {YEARS[1]}")
        return time

    @model_validator(mode="after")
    def in_order(self) -> Description:
        """Scenes follow each other within the message."""
        times = [time_s for scene in self.scenes for time_s in (scene.start_s, scene.end_s)]
        if any(scene.end_s <= scene.start_s for scene in self.scenes) or times != sorted(times):
            raise ValueError("scenes must follow each other, each with an end after its start")
        if self.duration_s is not None and times and times[-1] > self.duration_s + 1:
            raise ValueError("scenes must end within duration_s")
        return self

    @property
    def published(self) -> datetime | None:
        """When it was published, in UTC without a zone, as the corpus keeps times."""
        time = self.published_at
        return time.astimezone(UTC).replace(tzinfo=None) if time and time.tzinfo else time


def describe(path: Path, known: dict[str, Any]) -> Description:
    """Read a JSON file, or take a media file, with what else is known. Raises NoSuchPath, BadDescription."""
    if not path.is_file():
        raise NoSuchPath(f"no file at {path}", "name a media file, or a JSON file that describes a message")
    content: dict[str, Any] = {"media": path}
    if path.suffix.lower() == ".json":
        content = read_json(path)
        if (named := content.get("media")) is not None:
            content["media"] = beside(path, named)
    options = {name: value for name, value in known.items() if value is not None}
    try:
        description = Description.model_validate({**content, **options})
    except ValidationError as error:
        keys = ", ".join(Description.model_fields)
        raise BadDescription(f"{path}: {first_fault(error)}", f"keys of a message: {keys}") from None
    if description.media is not None and not description.media.is_file():
        raise NoSuchPath(f"{path} names the media file {description.media}, which is absent", "correct its path")
    if not any((description.media, description.title, description.scenes)):
        raise BadDescription(f"{path} says nothing of the message", "give at least a title, scenes, or a media file")
    return description


def beside(path: Path, named: object) -> Path:
    """The media file that a JSON file names: in its folder or below, so that strangers' files name no others.

    Raises BadDescription.
    """
    if not isinstance(named, str) or Path(named).is_absolute() or ".." in Path(named).parts or "\0" in named:
        raise BadDescription(f"{path}: media is no path beside the file", "name a file in the folder of the JSON file")
    return path.parent / named


def read_json(path: Path) -> dict[str, Any]:
    """The content of a JSON file. Raises BadDescription."""
    mend = "write one JSON object with the message's title, company, audience, scenes and so on"
    if path.stat().st_size > LARGEST_JSON:
        raise BadDescription(f"{path} has more than {LARGEST_JSON:,} bytes", mend)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        raise BadDescription(f"{path} is no JSON", mend) from None
    if not isinstance(content, dict):
        raise BadDescription(f"{path} holds no JSON object", mend)
    return content
