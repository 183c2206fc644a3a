"""Runs a predictor over a bench, task by task, and writes a run. A killed run goes on with the tasks it lacks.

What is done so far lies in .RUN.tasks beside the run: key.json (whose answers these are) and TASK.parquet.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl
from tqdm import tqdm

from baselines.base import Predictor, Settings, WrongSettings
from benchmark.bench import Bench
from benchmark.run import FORMAT, write_run
from corpus.errors import NoSuchPath
from corpus.files.atomic import write_json


def chosen_tasks(predictor: Predictor, bench: Bench, settings: Settings) -> list[str]:
    """The tasks to answer, in the bench's order. Raises WrongSettings, or the predictor's own refusal."""
    unknown = [task for task in settings.tasks or () if task not in bench.tasks]
    if unknown:
        raise WrongSettings(f"{bench.root} has no task {', '.join(unknown)}", f"it has {', '.join(bench.tasks)}")
    asked = [task for task in bench.tasks if settings.tasks is None or task in settings.tasks]
    tasks = [task for task in asked if predictor.applies(bench, task)]
    if not tasks:
        raise predictor.refusal(bench)
    return tasks


def check_settings(bench: Bench, settings: Settings) -> None:
    """Refuse, before anything is loaded, what cannot be done. Raises WrongSettings."""
    if settings.split not in ("test", "validation"):
        raise WrongSettings(f"no split {settings.split!r} to predict", "take test or validation")
    if settings.decode not in ("greedy", "expected"):
        raise WrongSettings(f"no way to decode called {settings.decode!r}", "take greedy or expected")
    if settings.shots and not any(task["train"] for task in bench.tasks.values()):
        raise WrongSettings(f"{bench.root} has no training instances to show", "leave --shots out")


def heeded(predictor: Predictor, settings: Settings) -> dict[str, Any]:
    """What the user chose that these answers depend on, the choice of tasks aside."""
    return settings.as_dict("split", "limit", *predictor.heeds)


def digest(bench: Bench, predictor: Predictor, settings: Settings) -> str:
    """Tells whose answers a folder holds: the same bench, predictor and settings give the same hex digits."""
    parts = [bench.fingerprint, predictor.name, predictor.kind, predictor.about(), heeded(predictor, settings)]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object, or an empty one where none can be read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def check_place(out: Path) -> None:
    """Refuse to write over anything but a run. Raises NoSuchPath."""
    if out.is_file() or (
        out.is_dir() and any(out.iterdir()) and read_json(out / "manifest.json").get("format") != FORMAT
    ):
        raise NoSuchPath(f"{out} exists and is no run", "give an empty or new folder")


def parts_folder(out: Path, key: str) -> Path:
    """Where finished tasks wait; gone when they are another predictor's answers."""
    folder = out.with_name(f".{out.name}.tasks")
    if read_json(folder / "key.json").get("key") != key:
        shutil.rmtree(folder, ignore_errors=True)
    return folder


def predict_missing(
    predictor: Predictor, bench: Bench, tasks: list[str], settings: Settings, folder: Path, key: str
) -> None:
    """Answer the tasks that the folder lacks, each put in place whole."""
    if all((folder / f"{task}.parquet").is_file() for task in tasks):
        return
    predictor.prepare()
    bar = tqdm(tasks, desc=predictor.name, unit="task", dynamic_ncols=True)
    for task in bar:
        bar.set_postfix_str(task)
        place = folder / f"{task}.parquet"
        if place.is_file():
            continue
        answers = predictor.predict(bench, task, settings)
        write_json(folder / "key.json", {"key": key})
        beside = place.with_suffix(".part")
        answers.write_parquet(beside)
        beside.replace(place)


def notes(answers: dict[str, pl.DataFrame]) -> dict[str, dict[str, int]]:
    """For each task: how many answers there are, how many could not be read, how many prompts were cut."""
    return {
        task: {
            "answers": frame.height,
            "unparsed": frame["values"].null_count(),
            **({"truncated": int(frame["truncated"].sum())} if "truncated" in frame.columns else {}),
        }
        for task, frame in answers.items()
    }


def summary(out: Path, predictor: Predictor, counts: dict[str, dict[str, int]]) -> str:
    """A line that says what the run holds."""
    total = {key: sum(count.get(key, 0) for count in counts.values()) for key in ("answers", "unparsed", "truncated")}
    extra = f", {total['truncated']} prompts cut to the model's context" if total["truncated"] else ""
    return (
        f"{out}: {predictor.name}, {len(counts)} tasks, {total['answers']} answers, {total['unparsed']} unread{extra}"
    )


def predict_run(name: str, bench_root: Path, out: Path, settings: Settings) -> str:
    """Predict and write the run; gives a line that says what was done.

    Raises NoSuchPath, WrongVersion, WrongSettings and the predictor's own errors.
    """
    from baselines.registry import find

    bench = Bench.open(bench_root)
    check_settings(bench, settings)
    check_place(out)
    predictor = find(name, settings)
    tasks = chosen_tasks(predictor, bench, settings)
    key = digest(bench, predictor, settings)
    done = read_json(out / "manifest.json")
    if done.get("tasks") == tasks and done.get("about", {}).get("key") == key:
        return f"{out}: already there, nothing to do"
    folder = parts_folder(out, key)
    predict_missing(predictor, bench, tasks, settings, folder, key)
    answers = {task: pl.read_parquet(folder / f"{task}.parquet") for task in tasks}
    counts = notes(answers)
    about = {**predictor.about(), **heeded(predictor, settings), "cbc": version("cbc"), "counts": counts, "key": key}
    write_run(out, bench, predictor.name, predictor.kind, answers, about)
    shutil.rmtree(folder)
    return summary(out, predictor, counts)
