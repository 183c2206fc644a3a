"""A run on disk: a predictor's answers to a bench, written once.

    RUN/manifest.json              Manifest, below: whose answers these are, to which bench, how they were made
        predictions/TASK.parquet   instance_id, values (null: unread) and, where there are any, raw, scores, task
        scores.json                written by benchmark.score

docs/run-format.md has every field and column. `Run.open` takes a folder from anywhere: links, damaged files and answers
to other questions are refused. What a run states about itself is shown but not trusted: its kind is never that of a
reference (benchmark/reference_rows.py).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import polars as pl
from pydantic import AfterValidator, ConfigDict, Field, JsonValue, ValidationError
from pydantic_core import from_json

from benchmark.bench import Bench
from benchmark.predictions import prediction_frame, read_predictions
from benchmark.reference_rows import REFERENCE_KINDS
from corpus.errors import CbcError, NoSuchPath, WrongVersion
from corpus.files.atomic import part_path, replace_folder, write_json
from corpus.files.parquet_frames import write_frame
from corpus.files.written_once import excerpt, refuse_other
from corpus.strict_model import StrictModel, first_fault

FORMAT = "cbc-run"
VERSION = 2
SUBMITTED = "submitted"
Kind = Literal["trivial", "linear", "boosted", "oracle", "lm", "submitted"]
MANIFEST_BYTES = 256 << 10
NAME_CHARACTERS, TEXT_CHARACTERS = 100, 2000
MAKE = "make one with `cbc benchmark submit` or `cbc baselines predict`"


class RunForOtherBench(CbcError):
    """The run answers another bench's questions."""


class BadRun(CbcError):
    """A run folder cannot be read, or its manifest is not as documented."""


class NoPredictions(CbcError):
    """A run answers none of the bench's tasks."""


def check_name(name: str) -> str:
    """Check that a run's name can be shown in tables, pages and terminals. Raises ValueError."""
    if not 1 <= len(name) <= NAME_CHARACTERS or not name.isprintable() or name != name.strip():
        raise ValueError(f"a name has 1 to {NAME_CHARACTERS} printable characters on one line")
    if "/" in name or "\\" in name or name.startswith("."):
        raise ValueError("a name must not be a path")
    return name


def check_free(value: Any) -> Any:
    """Check that free settings hold no control characters and no long texts, at any depth. Raises ValueError."""
    if isinstance(value, str) and not (value.isprintable() and len(value) <= TEXT_CHARACTERS):
        raise ValueError(f"texts are printable and have at most {TEXT_CHARACTERS} characters")
    for part in [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else []:
        check_free(part)
    return value


Name = Annotated[str, AfterValidator(check_name)]
TaskName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$")]
FreeSettings = Annotated[dict[str, JsonValue], AfterValidator(check_free)]


class Manifest(StrictModel):
    """RUN/manifest.json: whose answers a run holds, to which bench, and how they were made."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    format: Literal["cbc-run"] = Field("cbc-run", description="always cbc-run")
    version: Literal[2] = Field(2, description="of this format")
    run: Name = Field(description="its name in tables: one printable line, no path, not a reference's name")
    kind: Kind = Field(description="what made it, as it says itself; trivial and oracle are shown as submitted")
    bench: str = Field(pattern=r"^[0-9a-f]{4,64}$", description="fingerprint of the bench it answers")
    split: Literal["test", "validation"] = Field("test", description="which instances it answers; test is scored")
    partial: bool = Field(
        False,
        description="whether only the instances in its files were asked: they alone are scored, and it has no rank; "
        "otherwise a missing answer counts as unread",
    )
    tasks: list[TaskName] = Field(max_length=1000, description="tasks it answers, each a file of predictions")
    settings: FreeSettings = Field({}, description="what the predictor was asked for: shots, limit, seed and so on")
    about: FreeSettings = Field({}, description="what the predictor is: free text, weights, recipe, training seed")
    counts: dict[TaskName, dict[str, int]] = Field({}, description="a task's answers, unparsed, truncated prompts")

    def identity(self) -> dict[str, Any]:
        """The fields that identify the run, flat; its counts follow from them."""
        fields = self.model_dump(mode="json", exclude={"counts", "settings", "about"})
        return {**fields, **self.about, **self.settings}


def kind_from_elsewhere(kind: str) -> str:
    """The kind of a run that another package's predictor made: its own where runs have it, never a reference's."""
    return kind if kind in get_args(Kind) and kind not in REFERENCE_KINDS else SUBMITTED


def new_manifest(**fields: Any) -> Manifest:
    """Make the manifest of a new run. Raises BadRun."""
    try:
        return Manifest(**fields)
    except ValidationError as error:
        raise BadRun(f"no run can be made ({first_fault(error)})", "correct that setting") from None


def write_run(
    out: Path,
    bench: Bench,
    name: str,
    kind: str,
    predictions: Mapping[str, pl.DataFrame],
    about: Mapping[str, Any],
    **more: Any,
) -> Path:
    """Write a complete run; `more` holds further fields of the manifest. Raises BadRun."""
    tasks = [task for task in bench.tasks if task in predictions]
    fields = {"run": name, "kind": kind, "bench": bench.fingerprint, "tasks": tasks, "about": dict(about)}
    return write_manifested(out, new_manifest(**fields, **more), predictions)


def write_manifested(out: Path, manifest: Manifest, predictions: Mapping[str, pl.DataFrame]) -> Path:
    """Write a run beside its place, the manifest last, and rename it into place."""
    staged = part_path(out)
    shutil.rmtree(staged, ignore_errors=True)
    (staged / "predictions").mkdir(parents=True)
    for task in manifest.tasks:
        write_frame(prediction_frame(task, predictions[task]), staged / "predictions" / f"{task}.parquet")
    write_json(staged / "manifest.json", manifest.model_dump(mode="json"))
    replace_folder(staged, out)
    return out


def is_written(out: Path, manifest: Manifest) -> bool:
    """Whether the folder holds this run already; False if it is empty. Raises NoSuchPath, HoldsOther."""
    if not (out.is_symlink() or out.exists()) or (out.is_dir() and not any(out.iterdir())):
        return False
    try:
        existing = read_run_manifest(out)
    except CbcError:
        raise NoSuchPath(f"{out} exists and is no run of this version", "give an empty or new folder") from None
    refuse_other(out, "run", existing.identity(), manifest.identity())
    return True


def read_run_manifest(root: Path) -> Manifest:
    """Read a run's manifest, within limits. Raises NoSuchPath, WrongVersion, BadRun."""
    path = root / "manifest.json"
    try:
        refuse_links(root)
        if not path.is_file():
            raise NoSuchPath(f"no run at {root}", MAKE)
        with path.open("rb") as file:
            raw = file.read(MANIFEST_BYTES + 1)
    except OSError as error:
        raise BadRun(f"{root} cannot be read ({error.strerror})", "check its files and their permissions") from None
    return parse_manifest(raw, str(root))


def parse_manifest(raw: bytes, place: str) -> Manifest:
    """Parse the bytes of a manifest. Raises WrongVersion, BadRun."""
    if len(raw) > MANIFEST_BYTES:
        raise BadRun(f"the manifest of {place} is larger than {MANIFEST_BYTES >> 10} KiB", MAKE)
    try:
        content = from_json(raw, allow_inf_nan=False)
    except ValueError as error:
        raise BadRun(f"the manifest of {place} is no JSON ({excerpt(error)})", MAKE) from None
    if not isinstance(content, dict) or (content.get("format"), content.get("version")) != (FORMAT, VERSION):
        raise WrongVersion(f"{place} is no run of this version of cbc ({FORMAT} {VERSION})", "predict or submit again")
    try:
        return Manifest.model_validate(content)
    except ValidationError as error:
        raise BadRun(f"the manifest of {place} is not as documented ({first_fault(error)})", MAKE) from None


def refuse_links(root: Path) -> None:
    """Refuse a run whose files are links, which could point anywhere. Raises BadRun, OSError."""
    for folder in (root, root / "predictions"):
        for entry in os.scandir(folder) if folder.is_dir() else ():
            if entry.is_symlink():
                raise BadRun(f"{entry.path} is a link", "put the file itself in its place")


@dataclass(frozen=True)
class Run:
    """An open run folder with the bench that it answers."""

    root: Path
    bench: Bench
    manifest: Manifest

    @classmethod
    def open(cls, root: Path, bench: Bench) -> Run:
        """Open a run. Raises NoSuchPath, WrongVersion, BadRun, RunForOtherBench."""
        manifest = read_run_manifest(root)
        if manifest.bench != bench.fingerprint:
            raise RunForOtherBench(
                f"{root} answers another bench than {bench.root}", "predict again on this bench, or name the other one"
            )
        if manifest.split != "test":
            raise RunForOtherBench(f"{root} answers the {manifest.split} split", "predict again with --split test")
        unknown = [task for task in manifest.tasks if task not in bench.tasks]
        if unknown or len(set(manifest.tasks)) < len(manifest.tasks):
            fault = f"tasks that {bench.root} lacks ({', '.join(unknown)[:100]})" if unknown else "a task twice"
            raise BadRun(f"the manifest of {root} names {fault}", MAKE)
        return cls(root, bench, manifest)

    @property
    def name(self) -> str:
        return self.manifest.run

    def cut_prompts(self, task: str) -> int:
        """Number of prompts that were longer than the model's context and lost their beginning, as the run says."""
        return self.manifest.counts.get(task, {}).get("truncated", 0)

    @property
    def kind(self) -> str:
        """Kind of its predictor; never a reference or the oracle, which only the bench provides."""
        return SUBMITTED if self.manifest.kind in REFERENCE_KINDS else self.manifest.kind

    @property
    def about(self) -> dict[str, Any]:
        """What the run states about itself and its settings."""
        return {**self.manifest.about, **self.manifest.settings}

    @property
    def tasks(self) -> list[str]:
        """The tasks it answers, in the bench's order."""
        return [task for task in self.bench.tasks if task in self.manifest.tasks]

    def questions(self, task: str) -> pl.DataFrame:
        """The test questions that it was asked, in the bench's order: all, or for a partial run those in its file."""
        questions = self.bench.public(task, "test")
        if not self.manifest.partial:
            return questions
        return questions.filter(pl.col("instance_id").is_in(self.read_file(task, questions)["instance_id"].implode()))

    def predictions(self, task: str) -> pl.DataFrame:
        """A row for every question that it was asked, in the bench's order; values are null without an answer."""
        questions = self.bench.public(task, "test").select("instance_id")
        how: Literal["inner", "left"] = "inner" if self.manifest.partial else "left"
        answers = self.read_file(task, questions).drop("task")
        return questions.join(answers, on="instance_id", how=how, maintain_order="left").with_columns(
            pl.lit(task).alias("task")
        )

    def read_file(self, task: str, questions: pl.DataFrame) -> pl.DataFrame:
        """Read the answers in a task's file. Raises NoSuchPath, BadRun, BadPredictions, WrongInstances."""
        path = self.root / "predictions" / f"{task}.parquet"
        try:
            if not path.is_file():
                raise NoSuchPath(f"{self.root} has no predictions for {task}", "predict or submit again")
        except OSError as error:
            raise BadRun(f"{path} cannot be read ({error.strerror})", "check its permissions") from None
        return read_predictions(path, task, questions["instance_id"])
