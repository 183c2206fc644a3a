"""Forecast one message: `make_forecast(Path("clip.mp4"), "models/m", {"title": "A dog learns to swim"})`."""

from __future__ import annotations

import tempfile
from base64 import b64encode
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import polars as pl

from baselines.base import Settings
from baselines.forecast.ask import ASKED, BAND, Answer, ask, with_forecast
from baselines.forecast.corpus_of_one import MESSAGE_ID, make_corpus, read_frame_of_one, scene_times
from baselines.forecast.matter import (
    Loss,
    StoreWithoutScenes,
    ask_without_each_scene,
    empty_scenes,
    losses,
    open_without_scenes,
)
from baselines.forecast.message import describe
from baselines.prompt_memory import PromptMemory
from baselines.prompted import SAVED, SEEING, NoModel, Prompted, load_reader, read_model_type
from baselines.reader import Reader
from benchmark.metrics import QUANTILES
from benchmark.tasks.registry import task_named
from corpus.annotate.choose import choose_annotators
from corpus.annotate.media import MediaAnnotator
from corpus.annotate.media_run import labels_of
from corpus.annotate.whisper_weights import NoWhisper
from corpus.console import note
from corpus.errors import CbcError
from corpus.media_packages import NoMediaPackages
from corpus.progress import progress
from corpus.seen_store import NothingSeen

ANNOTATORS = ("text", "speech")
THUMBNAIL_PX = 128
LEAST_SCENES = 5  # of a video whose replay curve is asked, as in the bench
DAYS = 30.0


class NothingToForecast(CbcError):
    """The model answers none of the questions that are forecast."""


def make_forecast(
    path: Path,
    model: str,
    known: Mapping[str, Any],
    annotators: str | None = None,
    settings: Sequence[str] = (),
    age_days: float = DAYS,
) -> dict[str, Any]:
    """Annotate a message and ask a model for its behavior `age_days` after publication; gives what can be printed.

    Raises NoSuchPath, BadDescription, BadMessageFile, NothingToForecast, NoModel, NothingSeen, UnknownName,
    WrongSetting, NoMediaPackages, NoChild.
    """
    description = describe(path, dict(known))
    if not Path(model).is_dir():
        raise NoModel(f"{model} is no model folder", SAVED)
    if description.media is None and annotators:
        choose_annotators(annotators, settings)  # also what will not run must be right
    with tempfile.TemporaryDirectory(prefix="cbc-forecast-") as scratch:
        corpus, frames = Path(scratch, "corpus"), Path(scratch, "frames")
        prompted = open_model(model, frames)
        size = frame_size(prompted)
        chosen = {} if description.media is None else choose(annotators, [f"frames.size={size}", *settings])
        make_corpus(corpus, description, chosen)
        store = store_of(corpus, frames) if description.media else None
        if prompted.sees and store is None:
            raise NothingToForecast(f"{prompted.name} sees, and {path} names no media", "name a media file")
        reader = load_reader(model, prompted.local, prompted.settings, store if prompted.sees else None)
        frame = read_frame_of_one(corpus, age_days)
        reader.memory = PromptMemory()
        empty = empty_scenes(frame, store.scenes(MESSAGE_ID) if store and prompted.sees else ())
        answers, lost = ask_all(reader, prompted, frame, empty)
        return {
            "model": prompted.name,
            "title": frame["title"][0],
            "age_days": age_days,
            "duration_s": frame["duration_s"][0],
            "media": str(description.media) if description.media else None,
            "band": [float(QUANTILES[level]) for level in BAND],
            "forecasts": [forecast_row(task, answer) for task, answer in answers.items()],
            "not_asked": [task_named(task).table.short_title for task in ASKED if task not in answers],
            "matter": [asdict(loss) for loss in lost],
            "empty_scenes": empty,
            "scenes": scenes_of(corpus, frame, store),
        }


def forecast_row(task: str, answer: Answer) -> dict[str, Any]:
    """An answer with what a page says of its task."""
    asked = task_named(task)
    about = {"task": task, "title": asked.table.short_title}
    flags = {"asks_curve": asked.asks_curve, "spans_decades": asked.spans_decades}
    return {**about, **flags, **asdict(answer)}


def choose(named: str | None, settings: Sequence[str]) -> dict[str, MediaAnnotator]:
    """The annotators that are named, and frames; by default those of ANNOTATORS whose models and packages are there.

    Raises UnknownName, WrongSetting, NoMediaPackages, NoWhisper.
    """
    asked = ANNOTATORS if named is None else [name.strip() for name in named.split(",")]
    names = [name for name in asked if name not in ("", "frames")]
    kept = []
    for name in names:
        try:
            labels_of(choose_annotators(name, [setting for setting in settings if setting.startswith(f"{name}.")])[1])
        except (NoMediaPackages, NoWhisper) as error:
            if named is not None:
                raise
            note(f"{name} is left out: {error}")
        else:
            kept.append(name)
    return choose_annotators(",".join(["frames", *kept]), settings)[1]


def open_model(model: str, frames: Path) -> Prompted:
    """The model, which is shown what will lie in `frames` if it sees. Raises NoModel."""
    sees = read_model_type(Path(model)) == SEEING
    return Prompted(model, Settings(seen=frames if sees else None))


def frame_size(prompted: Prompted) -> int:
    """Width and height in pixels of the frames: those that a model sees, or thumbnails."""
    if not prompted.sees:
        return THUMBNAIL_PX
    from baselines.lcbm.vision.start import load_configuration

    return int(load_configuration(str(prompted.path)).vision_config.image_size)


def store_of(corpus: Path, frames: Path) -> StoreWithoutScenes | None:
    """The frames of the message; None where its file has no pictures."""
    from baselines.lcbm.vision.frames import store_frames

    try:
        return open_without_scenes(store_frames(corpus, frames))
    except NothingSeen:
        return None


def ask_all(
    reader: Reader, prompted: Prompted, frame: pl.DataFrame, empty: Collection[int]
) -> tuple[dict[str, Answer], list[Loss]]:
    """Each task's answer, and what single values lose without each scene; later questions show earlier forecasts.

    Raises NothingToForecast.
    """
    scenes = len(frame["scene_seen"][0])
    tuned = prompted.tuned_for or set(ASKED)
    tasks = [task for task in ASKED if task in tuned and (scenes >= LEAST_SCENES or not task_named(task).asks_curve)]
    if not tasks:
        what = f"{prompted.name} answers none of {', '.join(ASKED)}"
        raise NothingToForecast(what, "choose a model that was tuned for one of them")
    answers: dict[str, Answer] = {}
    lost: list[Loss] = []
    single = [task for task in tasks if not task_named(task).asks_curve]
    with progress("asking", "questions", len(tasks) + len(single) * (scenes - len(empty))) as shown:
        reader.on_answer = lambda: shown.advance(1)
        for task in tasks:
            (answer,) = ask(reader, task, frame)
            answers[task] = answer
            if task in single and answer.values and not answer.cut and scenes:
                lost += losses(task, answer, ask_without_each_scene(reader, task, frame, answer, empty))
            frame = with_forecast(frame, task, answer)
    return answers, sorted(lost, key=lambda loss: (-abs(loss.decades), loss.scene, loss.task))


def scenes_of(corpus: Path, frame: pl.DataFrame, store: StoreWithoutScenes | None) -> list[dict[str, Any]]:
    """Times, words and a thumbnail of each scene."""
    pictures = thumbnails(store)
    shown = [text.strip(" |") for text in frame["scene_seen"][0]]
    words = zip(shown, frame["scene_speech"][0], strict=True)
    return [
        {"start_s": start_s, "end_s": end_s, "seen": seen, "speech": speech, "thumbnail": pictures.get(number)}
        for number, ((start_s, end_s), (seen, speech)) in enumerate(zip(scene_times(corpus), words, strict=True))
    ]


def thumbnails(store: StoreWithoutScenes | None) -> dict[int, str]:
    """The first frame of each scene as a JPEG in base64."""
    if store is None:
        return {}
    import cv2

    piece = store.piece(MESSAGE_ID)
    pictures: dict[int, str] = {}
    for scene, seen in zip(piece.scenes.tolist(), piece.seen, strict=True):
        if scene not in pictures:
            _, encoded = cv2.imencode(".jpg", cv2.cvtColor(seen, cv2.COLOR_RGB2BGR))
            pictures[scene] = b64encode(encoded.tobytes()).decode("ascii")
    return pictures
