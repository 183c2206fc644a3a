"""Runs a predictor over a bench, task by task, and writes a run. A killed run goes on with the tasks it lacks.

What is done so far lies in .RUN.tasks beside the run: asked.json (what tells the run from another) and TASK.parquet. A
run is written once: what another model, bench or setting left in either place is never touched.
"""

from __future__ import annotations

import json
import logging
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl

from baselines.base import Predictor, Settings, WrongSettings, questions
from benchmark.bench import Bench
from benchmark.reference_rows import REFERENCE_KINDS, is_reference
from benchmark.run import Manifest, is_written, new_manifest, write_manifested
from corpus.files.atomic import write_json
from corpus.files.parquet_frames import read_frame, write_frame
from corpus.files.written_once import refuse_other
from corpus.progress import progress

LOG = logging.getLogger(__name__)


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


def used_settings(predictor: Predictor, settings: Settings) -> dict[str, Any]:
    """The settings that the answers depend on, except for the choice of tasks."""
    return settings.as_dict("limit", *predictor.uses_settings)


def asked_run(predictor: Predictor, bench: Bench, tasks: list[str], settings: Settings) -> Manifest:
    """The manifest of the run that is asked for, its counts aside. Raises BadRun, WrongSettings."""
    if is_reference(predictor.name) and predictor.run_kind not in REFERENCE_KINDS:
        raise WrongSettings(f"{predictor.name} is the name of one of the bench's own rows", "rename the model's folder")
    return new_manifest(
        run=predictor.name,
        kind=predictor.run_kind,
        bench=bench.fingerprint,
        split=settings.split,
        partial=settings.limit is not None,
        tasks=tasks,
        settings=used_settings(predictor, settings),
        about={**predictor.about(), "cbc": version("cbc")},
    )


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object, or an empty one where none can be read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def parts_folder(out: Path, asked: Manifest) -> Path:
    """Where finished tasks of a run wait that was stopped. Raises HoldsOther when they are another run's."""
    folder = out.with_name(f".{out.name}.tasks")
    if there := read_json(folder / "asked.json"):
        mend = f"finish that run first, or remove {folder}"
        refuse_other(folder, "unfinished run", there, asked.identity(), mend)
    else:
        shutil.rmtree(folder, ignore_errors=True)
    return folder


def predict_missing(predictor: Predictor, bench: Bench, asked: Manifest, settings: Settings, folder: Path) -> None:
    """Answer the tasks that the folder lacks, each put in place whole."""
    if all((folder / f"{task}.parquet").is_file() for task in asked.tasks):
        return
    predictor.prepare()
    sizes = {task: questions(bench, task, settings).height for task in asked.tasks}
    waiting = [task for task in asked.tasks if not (folder / f"{task}.parquet").is_file()]
    begun, unread = sum(sizes.values()) - sum(sizes[task] for task in waiting), 0
    with progress(f"{predictor.name} predicting", "answers", sum(sizes.values()), begun) as shown:
        predictor.advance = shown.advance
        for task in waiting:
            shown.detail = f"{unread:,} unread, now {task}"
            reached = shown.done + sizes[task]
            LOG.debug("%s answers %s: %d questions", predictor.name, task, sizes[task])
            answers = predictor.predict(bench, task, settings)
            unread += answers["values"].null_count()
            shown.reach(reached)
            write_json(folder / "asked.json", asked.identity())
            beside = folder / f"{task}.part"
            write_frame(answers, beside)
            beside.replace(folder / f"{task}.parquet")


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
    """What the run holds."""
    total = {key: sum(count.get(key, 0) for count in counts.values()) for key in ("answers", "unparsed", "truncated")}
    extra = f", {total['truncated']} prompts cut to the model's context" if total["truncated"] else ""
    held = f"{predictor.name}, {len(counts)} tasks, {total['answers']} answers, {total['unparsed']} unread{extra}"
    return f"{out}: {held}"


def predict_run(name: str, bench_root: Path, out: Path, settings: Settings) -> str:
    """Predict and write the run; gives what was done.

    Raises NoSuchPath, WrongVersion, WrongSettings, HoldsOther and the predictor's own errors.
    """
    from baselines.registry import find

    bench = Bench.open(bench_root)
    check_settings(bench, settings)
    predictor = find(name, settings)
    asked = asked_run(predictor, bench, chosen_tasks(predictor, bench, settings), settings)
    if is_written(out, asked):
        return f"{out}: already there, nothing to do"
    folder = parts_folder(out, asked)
    predict_missing(predictor, bench, asked, settings, folder)
    answers = {task: read_frame(folder / f"{task}.parquet") for task in asked.tasks}
    counts = notes(answers)
    write_manifested(out, asked.model_copy(update={"counts": counts}), answers)
    shutil.rmtree(folder)
    return summary(out, predictor, counts)
