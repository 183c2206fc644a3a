"""Write the tasks as lm-eval task files: a YAML file for each task, which includes that of its kind of answer.

    cbc benchmark lm-eval-tasks --out DIR
    lm_eval --include_path DIR --tasks cbc ...

This folder holds the files of the built-in tasks.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from tempfile import mkdtemp

from benchmark.tasks.base import Task
from benchmark.tasks.registry import TASKS, all_tasks
from corpus.errors import CbcError
from corpus.files.atomic import replace_folder, write_text

SHIPPED = Path(__file__).resolve().parent
AGGREGATE = "benchmark.lm_eval.aggregate"
ANSWER_TOKENS = "answer_tokens"
"""The key of a model's config.json that says how many tokens its longest answer in training had."""


class NoPlace(CbcError):
    """The task files cannot be written to their folder."""


def lm_eval_name(task: str) -> str:
    """Name of a task in lm-eval."""
    return f"cbc_{task}"


def task_files() -> dict[str, str]:
    """Name and content of each file, for all installed tasks."""
    tasks = all_tasks()
    kinds = sorted({f"_{task.answer.name}.yaml" for task in tasks})
    shared = {name: (SHIPPED / name).read_text(encoding="utf-8") for name in kinds}
    return {**shared, **{f"{task.name}.yaml": task_file(task) for task in tasks}}


def task_file(task: Task) -> str:
    """The YAML of a task."""
    lines = [
        f"include: _{task.answer.name}.yaml",
        f"task: {lm_eval_name(task.name)}",
        "dataset_kwargs:",
        f"  task: {task.name}",
        "metric_list:",
    ]
    for metric in task.metrics:
        lines += metric_lines(metric.name, not metric.lower_is_better)
    return "\n".join([*lines, *metric_lines("unparsed", False)]) + "\n"


def metric_lines(name: str, higher_is_better: bool) -> list[str]:
    """Lines of an entry in a task's list of metrics."""
    return [
        f"  - metric: {name}",
        f"    aggregation: !function {AGGREGATE}.{name}",
        f"    higher_is_better: {str(higher_is_better).lower()}",
    ]


def write_task_files(folder: Path) -> list[str]:
    """Write the files of all tasks into a folder; returns the tasks' names in lm-eval. Raises NoPlace."""
    if folder.exists() and not folder.is_dir():
        raise NoPlace(f"{folder} is a file", "give a folder for the task files")
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in task_files().items():
        write_text(folder / name, text)
    return [lm_eval_name(task) for task in TASKS]


def task_folder() -> Path:
    """A folder with the files of all tasks: this one, or one in the user's cache if other packages add tasks.

    Raises NoPlace.
    """
    if set(TASKS) == set(TASKS.builtin):
        return SHIPPED
    digest = hashlib.sha256(repr(sorted(task_files().items())).encode()).hexdigest()[:16]
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cbc"
    folder = caches / f"lm_eval-{digest}"
    try:
        caches.mkdir(parents=True, exist_ok=True)
        if not folder.is_dir():
            staged = Path(mkdtemp(prefix=".lm_eval-", dir=caches))
            write_task_files(staged)
            replace_folder(staged, folder)
    except OSError as error:
        raise NoPlace(f"cannot write task files to {caches} ({error.strerror})", "set XDG_CACHE_HOME") from None
    return folder
