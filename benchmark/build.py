"""`cbc benchmark build --corpus DIR --out BENCH`: build questions and answers from a corpus.

Each task for which the corpus has enough data becomes public/TASK/{train,validation,test}.parquet and
private/TASK/test.parquet; for the others the manifest names what is missing. Only the private part holds test answers.
With `--hidden` the public part does not give them away either: see benchmark/secret.py and benchmark/one_task_each.py.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
from threadpoolctl import threadpool_limits

from benchmark.answers.base import STORED
from benchmark.audit import LeakyBench, refuse_leaks
from benchmark.bench import FORMAT, SPLITS, VERSION, Bench
from benchmark.folds import BadFold, Fold
from benchmark.hidden import keyed_groups, with_instances, with_keyed_names
from benchmark.holdout import Holdout, hold_out
from benchmark.mask_draws import MOST_DRAWS, draws_in, with_mask_draws
from benchmark.one_task_each import one_task_each
from benchmark.revealing import find_revealing
from benchmark.secret import PLACE, BadSecret, Secret, choose_secret, read_secret
from benchmark.sizes import PanelSize, panel_ranks
from benchmark.stored_references import best_references, reference_frame
from benchmark.tasks.base import CONTENT, NotEnough, Task
from benchmark.tasks.registry import TASKS, all_tasks, task_named
from corpus.derivatives import remember
from corpus.errors import CbcError, NoSuchPath, WrongVersion
from corpus.files.atomic import part_path, replace_folder, write_json
from corpus.files.hashes import file_sha256, fingerprint
from corpus.files.parquet_frames import read_frame, write_frame
from corpus.files.written_once import refuse_other
from corpus.filters.outcome import last_run
from corpus.printing import number_of
from corpus.progress import progress
from corpus.simulate.law import LAW
from corpus.simulate.world import SimulatedWorld
from corpus.store import Corpus
from corpus.verbalize.message_frames import query

LOG = logging.getLogger(__name__)
SIZES = {"train": 200_000, "validation": 1_000, "test": 10_000}


class NothingToAsk(CbcError):
    """The corpus has enough data for no task; `left_out` says what each task lacks."""

    def __init__(self, what: str, mend: str, left_out: Mapping[str, str] | None = None) -> None:
        super().__init__(what, mend)
        self.left_out = dict(left_out or {})


def build_bench(
    corpus: Path,
    out: Path,
    seed: int = 0,
    sizes: Mapping[str, int] | None = None,
    panel: PanelSize | None = None,
    hidden: bool = False,
    secret_file: Path | None = None,
    fold: Fold | None = None,
    tasks: Collection[str] | None = None,
    mask_draws: int = MOST_DRAWS,
) -> Bench:
    """Build a bench beside `out` and rename it into place; an equal bench that exists is left unchanged.

    `hidden`: its public part does not give test answers away. It is drawn from the secret in `secret_file`, of the
    bench that is there, or from a new one. `fold`: its test part is that fold; `tasks`: it has no others, and splits as
    with all; `mask_draws`: the most draws of masks of a video, in a hidden bench one. Raises NoSuchPath, WrongVersion,
    NothingToAsk, HoldsOther, LeakyBench, BadSecret, BadFold, UnknownName.
    """
    if hidden and fold:
        raise BadFold("a hidden bench has no folds: the training of one holds the answers of another", "leave out one")
    chosen = chosen_tasks(tasks)
    secret = choose_secret(out, seed, secret_file) if hidden else None
    check_place(out, seed, secret, fold)
    opened_corpus = Corpus.open(corpus)
    connection = opened_corpus.connect(kept=True)
    staged = part_path(out)
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir(parents=True)
    law = query(connection, f'FROM "{LAW}"') if LAW in opened_corpus.annotations() else None
    drawn_seed = secret.drawn_seed if secret else seed
    settings = Building(
        drawn_seed, {**SIZES, **(sizes or {})}, panel or PanelSize(), law, secret, fold, 1 if hidden else mask_draws
    )
    with threadpool_limits(limits=1, user_api="blas"):  # matrices are small: threads would only wait for each other
        entries, left_out, holdout = build_tasks(chosen, connection, staged, settings)
        if not entries:
            shutil.rmtree(staged)
            raise nothing_to_ask(opened_corpus, connection, left_out)
        answer_by_references(entries, staged, settings.panel)
    manifest: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "seed": None if secret else seed,
        "fold": fold.number if fold else None,
        "folds": fold.folds if fold else None,
        "hidden": secret is not None,
        "simulated": is_simulated(connection, law),
        "holdout": holdout,
        "panel": asdict(settings.panel),
        "mask_draws": settings.mask_draws,
    }
    if run := last_run(opened_corpus):
        manifest["filtered"] = {name: run[name] for name in ("recipe", "digest", "messages", "kept")}
    files = file_digests(staged / "public" if secret else staged, staged)
    manifest |= {"fingerprint": fingerprint(files), "tasks": entries, "left_out": left_out, "files": files}
    write_json(staged / "manifest.json", manifest)
    if secret:
        secret.write(staged)
    try:
        refuse_leaks(Bench.open(staged))
    except LeakyBench:
        shutil.rmtree(staged)
        raise
    move_into_place(staged, out, corpus)
    return Bench.open(out)


def chosen_tasks(names: Collection[str] | None) -> list[Task]:
    """The tasks of these names, or all, in the order of the registry. Raises UnknownName, NothingToAsk."""
    if names is None:
        return all_tasks()
    chosen = {name: task_named(name) for name in names}
    if not chosen:
        raise NothingToAsk("no task was named", f"name some of {', '.join(TASKS)}")
    return [chosen[name] for name in TASKS if name in chosen]


def build_tasks(
    candidates: Sequence[Task], connection: duckdb.DuckDBPyConnection, staged: Path, settings: Building
) -> tuple[dict[str, Any], dict[str, str], dict[str, Any]]:
    """Write the files of tasks; gives their entries in the manifest, why others are left out, and the holdout.

    The holdout is that of all tasks, whichever are built, so that benches of one seed agree on it.
    """
    tasks: dict[str, Any] = {}
    left_out: dict[str, str] = {}
    by_time = {task.split_by_time for task in all_tasks() if task.split_by_time}
    with progress("building", "tasks", len(candidates)) as shown:
        holdout = hold_out(connection, settings.seed, by_time, settings.fold)
        write_parquet(keyed_groups(holdout.groups(), settings.secret), staged / "public" / "groups.parquet")
        holdouts = dict.fromkeys([task.name for task in candidates], holdout)
        if settings.secret:
            holdouts = one_task_each(candidates, connection, holdout, settings.seed, settings.sizes)
        for task in candidates:
            try:
                tasks[task.name] = build_task(task, connection, holdouts[task.name], staged, settings)
            except NotEnough as reason:
                given_away = ", beside messages that it gives to other tasks" if settings.secret else ""
                left_out[task.name] = f"{reason}{given_away}"
            shown.advance()
    same_prompts = drop_tested_prompts(staged, tasks)
    for name in [name for name, entry in tasks.items() if not entry["train"]]:
        left_out[name] = "all prompts of its training stand in a test part too"
        shutil.rmtree(staged / "public" / name)
        shutil.rmtree(staged / "private" / name)
        del tasks[name]
    return tasks, left_out, {**holdout.counts(), "same_prompts_left_out": same_prompts}


def answer_by_references(tasks: Mapping[str, Any], staged: Path, panel: PanelSize) -> None:
    """Write the references' answers to each task, and its best references into its entry in the manifest."""
    with progress("answering by references", "tasks", len(tasks)) as shown:
        for name, entry in tasks.items():
            entry["best_reference"] = write_references(task_named(name), staged / "public" / name, panel)
            shown.advance()


KEPT = """SELECT count(*), count(DISTINCT communicator_id),
    count(*) FILTER (message_id IN (SELECT message_id FROM effect)) FROM message"""


def nothing_to_ask(corpus: Corpus, connection: duckdb.DuckDBPyConnection, left_out: Mapping[str, str]) -> NothingToAsk:
    """The error of a corpus that feeds no task: how many messages there are, and the likely causes."""
    messages, communicators, with_behavior = connection.execute(KEPT).fetchall()[0]
    run = last_run(corpus)
    removed = run["messages"] - run["kept"] if run else 0
    by_filters = f" (filters removed {removed:,})" if removed else ""
    counted = f"{number_of(messages, 'message')} of {number_of(communicators, 'communicator')}"
    contents = f"{counted}, {with_behavior:,} with behavior{by_filters}"
    loosen = ", or loosen the filters" if removed else ""
    more = "of more communicators (those of one company are one group)"
    mend = f"ingest videos or posts with views, likes or replay curves, {more}{loosen}"
    return NothingToAsk(f"{corpus.root} feeds no task: it has {contents}", mend, left_out)


def check_place(out: Path, seed: int, secret: Secret | None = None, fold: Fold | None = None) -> None:
    """Check, before building, that `out` is free or was drawn from this seed or secret, for this fold.

    Raises NoSuchPath, WrongVersion, HoldsOther, BadSecret.
    """
    if out.is_dir() and not any(out.iterdir()):
        return
    if out.exists():
        if not (out / "manifest.json").is_file():
            raise NoSuchPath(f"{out} exists and is no bench", "give an empty or new folder")
        bench = open_for_rebuild(out)
        there = {"hidden": bench.hidden, "seed": bench.manifest.get("seed"), "fold": fold_text(bench.fold)}
        if secret and bench.hidden:
            if not (out / PLACE).is_file():
                raise BadSecret(f"{out} is a hidden bench without its private part", "build in another folder")
            there = described(read_secret(out / PLACE))
        asked = {"hidden": False, "seed": seed, "fold": fold_text(fold)}
        refuse_other(out, "bench", there, described(secret) if secret else asked)


def open_for_rebuild(out: Path) -> Bench:
    """Open what stands where a bench is to be built. Raises NoSuchPath, WrongVersion."""
    try:
        return Bench.open(out)
    except WrongVersion:
        mend = "build in another folder, or remove this one"
        raise WrongVersion(f"{out} holds no bench of this version of cbc", mend) from None


def fold_text(fold: Fold | None) -> str:
    """A fold as it is asked for, in words where there is none."""
    return str(fold) if fold else "none"


def described(secret: Secret) -> dict[str, Any]:
    """What is told of a secret where two benches differ: a digest of it, not itself."""
    return {"hidden": True, "seed": secret.seed, "secret": secret.digest("name of this secret")[:8]}


def move_into_place(staged: Path, out: Path, corpus: Path) -> None:
    """Move a finished bench to its place, unless an equal one is there. Raises HoldsOther."""
    if not (out / "manifest.json").is_file():
        remember(corpus, out)
        replace_folder(staged, out)
        return
    benches = map(Bench.open, (staged, out))
    built, existing = ({"fingerprint": bench.fingerprint, "tasks": bench.tasks} for bench in benches)
    shutil.rmtree(staged)
    refuse_other(out, "bench", existing, built, "corpus, sizes or cbc changed: give another --out, or remove this one")


@dataclass(frozen=True)
class Building:
    """What all tasks of a bench are built with; `law`: of the simulated world; `secret`: of a hidden bench; `fold`: its
    test part; `mask_draws`: the most draws of masks of a video.
    """

    seed: int
    sizes: Mapping[str, int]
    panel: PanelSize
    law: pl.DataFrame | None
    secret: Secret | None
    fold: Fold | None
    mask_draws: int


def build_task(
    task: Task, connection: duckdb.DuckDBPyConnection, holdout: Holdout, staged: Path, settings: Building
) -> dict[str, Any]:
    """Write the files of a task and return its entry in the manifest. Raises NotEnough."""
    LOG.debug("building %s", task.name)
    seed, law, secret = settings.seed, settings.law, settings.secret
    frame = task.instances(connection, holdout, seed, settings.sizes)
    questions = task.render(with_mask_draws(task, frame, settings.mask_draws, seed))
    reveals_count = find_revealing(questions, task.hidden_counts)
    questions = with_instances(questions.filter(~reveals_count), task.name, secret)
    counts = {split: questions.filter(pl.col("split") == split).height for split in SPLITS}
    if min(counts["train"], counts["test"]) == 0:
        raise NotEnough(f"instances by split: {counts}")
    LOG.debug("%s: instances by split: %s", task.name, counts)
    columns = ["instance_id", *CONTENT, "prompt", "options", *task.columns(), "answer", "target"]
    for split in SPLITS:
        part = questions.filter(pl.col("split") == split)
        public = part.select(columns)
        if split != "train":
            public = public.with_columns(panel_rank=panel_ranks(part, settings.panel, seed))
        if split == "test":
            counts["panel"] = public["panel_rank"].count()
            public = public.with_columns(answer=pl.lit(None, pl.String), target=pl.lit(None, pl.List(pl.Float64)))
        write_parquet(with_keyed_names(public, secret), staged / "public" / task.name / f"{split}.parquet")
    train, test = (questions.filter(pl.col("split") == split) for split in ("train", "test"))
    random_answers = task.answer.chance(train, test, np.random.default_rng([seed, 7]))
    private = test.select("instance_id", "answer", "target", chance=pl.Series(random_answers, dtype=STORED))
    write_parquet(private, staged / "private" / task.name / "test.parquet")
    if secret:
        write_parquet(questions.select("instance_id", "message_id"), staged / "private" / task.name / "names.parquet")
    if law is not None and test["message_id"].is_in(law["message_id"].implode()).all():
        write_oracle(task, test, law, staged / "private" / task.name / "oracle.parquet")
    entry = {"table": task.table.name, "condition": task.condition, "kind": task.answer.name, "draws": draws_in(test)}
    metrics = [metric.name for metric in task.metrics]
    return {**entry, "metrics": metrics, **counts, "revealing_left_out": int(reveals_count.sum())}


def drop_tested_prompts(staged: Path, tasks: dict[str, Any]) -> int:
    """Take the prompts that stand in any test part out of training and validation; gives their number.

    Messages differ and yet are asked about in the same words where little is known of them.
    """
    tested: set[str] = set()
    for task in tasks:
        tested.update(read_frame(staged / "public" / task / "test.parquet", ["prompt"])["prompt"])
    dropped = 0
    for task, entry in tasks.items():
        for split in ("train", "validation"):
            path = staged / "public" / task / f"{split}.parquet"
            frame = read_frame(path)
            kept = frame.filter(~pl.col("prompt").is_in(list(tested)))
            if len(kept) < len(frame):
                dropped += len(frame) - len(kept)
                entry[split] = len(kept)
                write_parquet(kept, path)
    return dropped


def write_references(task: Task, folder: Path, panel: PanelSize) -> dict[str, str]:
    """Write the references' answers to a task's questions; gives the best reference for each metric."""
    public = {split: read_frame(folder / f"{split}.parquet") for split in SPLITS}
    answers = reference_frame(task, public)
    write_parquet(answers, folder / "references.parquet")
    return best_references(task, public, answers, panel)


def write_oracle(task: Task, test: pl.DataFrame, law: pl.DataFrame, path: Path) -> None:
    """Write the best possible answers, if the law gives them for this task."""
    if expected := task.expected(test, law):
        write_parquet(expected.frame(test["instance_id"]), path)


def write_parquet(frame: pl.DataFrame, path: Path) -> None:
    """Write a file of the staged bench."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_frame(frame, path)


def is_simulated(connection: duckdb.DuckDBPyConnection, law: pl.DataFrame | None) -> bool:
    """Whether every message comes from the simulated world."""
    outside_sql = "SELECT count(*) FROM provenance WHERE split_part(source, '@', 1) <> ?"
    outside_count = connection.execute(outside_sql, [SimulatedWorld.name]).fetchone()
    return law is not None and outside_count is not None and outside_count[0] == 0


def file_digests(folder: Path, root: Path) -> dict[str, str]:
    """SHA-256 of every parquet file below a folder, by its path from `root`."""
    paths = sorted(path for path in folder.rglob("*.parquet"))
    return {str(path.relative_to(root)): file_sha256(path) for path in paths}
