"""Run a predictor over a bench, task by task, and write a run. A stopped run continues with the missing tasks.

Finished tasks wait in .RUN.tasks beside the run: asked.json (the identity of the run) and TASK.parquet. A run is
written once: files of another model, bench or setting in either folder are never changed.
"""

from __future__ import annotations

import json
import logging
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl

from baselines.base import DECODINGS, Predictor, Settings, WrongSettings, questions
from benchmark.bench import Bench
from benchmark.reference_rows import REFERENCE_KINDS, is_reference
from benchmark.run import Manifest, is_written, new_manifest, write_manifested
from corpus.files.atomic import write_json
from corpus.files.parquet_frames import read_frame, write_frame
from corpus.files.written_once import refuse_other
from corpus.printing import number_of
from corpus.progress import progress

LOG = logging.getLogger(__name__)
NO_ANSWERS = pl.DataFrame(schema={"instance_id": pl.String(), "values": pl.List(pl.Float64())})


def chosen_tasks(predictor: Predictor, bench: Bench, settings: Settings) -> list[str]:
    """Choose the tasks to answer, in the bench's order. Raises WrongSettings, or the predictor's own refusal."""
    unknown = [task for task in settings.tasks or () if task not in bench.tasks]
    if unknown:
        raise WrongSettings(f"{bench.root} has no task {', '.join(unknown)}", f"it has {', '.join(bench.tasks)}")
    requested = [task for task in bench.tasks if settings.tasks is None or task in settings.tasks]
    tasks = [task for task in requested if predictor.applies(bench, task)]
    if not tasks:
        raise predictor.refusal(bench)
    return tasks


def check_settings(bench: Bench, settings: Settings) -> None:
    """Check the settings before anything is loaded. Raises WrongSettings."""
    if settings.split not in ("test", "validation"):
        raise WrongSettings(f"no split {settings.split!r} to predict", "choose test or validation")
    if settings.decode not in (None, *DECODINGS):
        raise WrongSettings(f"unknown decoding {settings.decode!r}", f"choose {' or '.join(DECODINGS)}")
    if settings.shots and not any(task["train"] for task in bench.tasks.values()):
        raise WrongSettings(f"{bench.root} has no training instances to show", "leave --shots out")


def used_settings(predictor: Predictor, settings: Settings) -> dict[str, Any]:
    """The settings that the answers depend on, other than tasks and split."""
    return settings.as_dict("limit", "panel", *predictor.uses_settings)


def skips_questions(bench: Bench, tasks: list[str], settings: Settings) -> bool:
    """Whether some questions are outside of the panel that is to be answered."""
    return any(questions(bench, task, settings).height < bench.tasks[task][settings.split] for task in tasks)


def new_run_manifest(predictor: Predictor, bench: Bench, tasks: list[str], settings: Settings) -> Manifest:
    """The manifest of a run to be made, without counts. Raises BadRun, WrongSettings."""
    if is_reference(predictor.name) and predictor.run_kind not in REFERENCE_KINDS:
        raise WrongSettings(f"{predictor.name} is the name of one of the bench's own rows", "rename the model's folder")
    return new_manifest(
        run=predictor.name,
        kind=predictor.run_kind,
        bench=bench.fingerprint,
        split=settings.split,
        partial=settings.limit is not None or skips_questions(bench, tasks, settings),
        tasks=tasks,
        settings=used_settings(predictor, settings),
        about={**predictor.about(), "cbc": version("cbc")},
    )


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object; empty if there is none that can be read."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def parts_folder(out: Path, manifest: Manifest) -> Path:
    """Folder of the finished tasks of a stopped run. Raises HoldsOther if they belong to another run."""
    folder = out.with_name(f".{out.name}.tasks")
    if identity := read_json(folder / "asked.json"):
        mend = f"finish that run first, or remove {folder}"
        refuse_other(folder, "unfinished run", identity, manifest.identity(), mend)
    else:
        shutil.rmtree(folder, ignore_errors=True)
    return folder


def predict_missing(predictor: Predictor, bench: Bench, manifest: Manifest, settings: Settings, folder: Path) -> None:
    """Predict the tasks that the folder lacks; each file is renamed into place when complete."""
    if all((folder / f"{task}.parquet").is_file() for task in manifest.tasks):
        return
    predictor.prepare()
    sizes = {task: questions(bench, task, settings).height for task in manifest.tasks}
    missing = [task for task in manifest.tasks if not (folder / f"{task}.parquet").is_file()]
    answered, unread = sum(sizes.values()) - sum(sizes[task] for task in missing), 0
    with progress(f"{predictor.name} predicting", "answers", sum(sizes.values()), answered) as shown:
        predictor.advance = shown.advance
        for task in missing:
            shown.detail = f"{unread:,} unread, now {task}"
            reached = shown.done + sizes[task]
            LOG.debug("%s answers %s: %d questions", predictor.name, task, sizes[task])
            answers = predictor.predict(bench, task, settings) if sizes[task] else NO_ANSWERS
            unread += answers["values"].null_count()
            shown.reach(reached)
            write_json(folder / "asked.json", manifest.identity())
            part = folder / f"{task}.part"
            write_frame(answers, part)
            part.replace(folder / f"{task}.parquet")


def count_answers(answers: dict[str, pl.DataFrame]) -> dict[str, dict[str, int]]:
    """Count each task's answers, those that could not be read, and the prompts that were cut."""
    return {
        task: {
            "answers": frame.height,
            "unparsed": frame["values"].null_count(),
            **({"truncated": int(frame["truncated"].sum())} if "truncated" in frame.columns else {}),
        }
        for task, frame in answers.items()
    }


def summary(out: Path, predictor: Predictor, counts: dict[str, dict[str, int]]) -> str:
    """A run in a line."""
    total = {key: sum(count.get(key, 0) for count in counts.values()) for key in ("answers", "unparsed", "truncated")}
    cut = f", {total['truncated']:,} prompts longer than the model's context, which lost their beginning"
    extra = cut if total["truncated"] else ""
    counted = f"{number_of(len(counts), 'task')}, {number_of(total['answers'], 'answer')}"
    return f"{out}: {predictor.name}, {counted}, {total['unparsed']:,} unread{extra}"


def predict_run(name: str, bench_root: Path, out: Path, settings: Settings) -> str:
    """Predict and write a run; gives its summary.

    Raises NoSuchPath, WrongVersion, WrongSettings, HoldsOther and the predictor's own errors.
    """
    from baselines.registry import find_predictor

    bench = Bench.open(bench_root)
    check_settings(bench, settings)
    predictor = find_predictor(name, settings)
    settings = predictor.defaults(settings)
    manifest = new_run_manifest(predictor, bench, chosen_tasks(predictor, bench, settings), settings)
    if is_written(out, manifest):
        return f"{out}: already there, nothing to do"
    folder = parts_folder(out, manifest)
    predict_missing(predictor, bench, manifest, settings, folder)
    answers = {task: read_frame(folder / f"{task}.parquet") for task in manifest.tasks}
    counts = count_answers(answers)
    write_manifested(out, manifest.model_copy(update={"counts": counts}), answers)
    shutil.rmtree(folder)
    return summary(out, predictor, counts)
