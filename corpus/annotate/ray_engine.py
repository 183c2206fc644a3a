"""Annotate media files on Ray, on this machine or a cluster: each task reads files until a part is full and writes it.

    annotate_media(root, annotators, engine=ray_engine())

A task writes its part into a folder of its own below CORPUS/tmp and hands back counts, so that neither frames nor rows
pass through Ray. The run moves a part to its annotation when its task has ended: a task that Ray repeats, because its
process or node was lost, adds nothing twice. Every node needs the corpus under the same path, the same cbc and models.
"""

from __future__ import annotations

import json
import logging
import os
import socket
from collections import deque
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import chdir, contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

from corpus.annotate.children import CODE, PASSED_ON, Child
from corpus.annotate.choose import annotator_named
from corpus.annotate.media import MediaAnnotator, Span
from corpus.annotate.media_run import (
    AT_ONCE,
    PART_FILES,
    Engine,
    MediaAnnotated,
    MediaFile,
    Parts,
    Work,
    ask,
    batched,
    labels_of,
    new_child,
    source_scenes,
)
from corpus.annotate.run import next_part
from corpus.errors import CbcError, first_line
from corpus.store import Corpus

RETRIES = 10
"""How often a task is repeated whose process or node is lost."""
AHEAD = 2  # tasks a worker that are submitted at a time
TURNS = 4  # tasks a worker at least, where there are files enough, so that all workers end at about the same time
STORE_BYTES = 100_000_000  # of the object store of a Ray that is started here; Ray wants 75 MB at least
USAGE = "RAY_USAGE_STATS_ENABLED"
CONNECT_S = 10.0  # to wait for a cluster; Ray itself waits for minutes
SOCKETS = "/tmp"  # the folder in which Ray makes sockets, whose paths may have 107 characters: TMPDIR may be too long
INSTALLING = "install the extra ray; in a checkout: pip install -c constraints.txt -e '.[media,ray]'"
SAME_ON_ALL = "install the same version of cbc, its packages and models on all nodes"

ToRead = tuple[MediaFile, Sequence[Span]]
"""A file, and the scenes that the source of its message cut."""


class NoRay(CbcError):
    """Ray is not installed, or the cluster cannot be joined."""


class WorkersLost(CbcError):
    """Ray lost the process or node of a task again and again."""


class OtherNode(CbcError):
    """A node lacks cbc, or has other versions of it or of models than the machine that runs the command."""


@dataclass(frozen=True)
class Request:
    """What a worker needs to make the annotators of a run: settings as JSON by name, and the labels they must have."""

    settings: str
    labels: tuple[tuple[str, str], ...]
    memory_bytes: int | None
    stage: Path


@dataclass(frozen=True)
class Part:
    """What a task did: the folder with its parquet files, one for each of these labels, and their counts."""

    folder: Path
    labels: tuple[str, ...]
    outcome: MediaAnnotated


def ray_engine(address: str | None = None, workers: int | None = None) -> Engine:
    """An engine for `annotate_media` that joins the cluster at an address, or starts a Ray for the run.

    `workers`: how many files are read at a time; by default as many as there are processors. Raises NoRay.
    """
    ray = import_ray()

    def annotate_on_ray(work: Work, files: Sequence[MediaFile], outcome: MediaAnnotated) -> Generator[int]:
        if not files:
            return
        if address is None or address == "local":
            joined = started_here(ray, workers or work.workers)
        else:
            joined = joined_at(ray, address, workers)
        with work.corpus.staging(f"annotated-{uuid4().hex}") as stage, quiet(), joined as places:
            for part in parts_of(ray, work, files, stage.absolute(), places):
                move(part, work.corpus.root / "annotations")
                outcome.add(part.outcome)
                yield part.outcome.files

    return annotate_on_ray


def import_ray() -> Any:
    """The module. Raises NoRay."""
    try:
        import ray
    except ImportError:
        raise NoRay("the engine ray needs a package that is not installed (ray)", INSTALLING) from None
    return ray


@contextmanager
def started_here(ray: Any, workers: int) -> Iterator[int]:
    """Start a Ray on this machine for so many tasks at a time, and end it and remove its files afterwards."""
    with TemporaryDirectory(prefix="cbc-ray-", dir=SOCKETS, ignore_cleanup_errors=True) as folder:
        try:
            # Workers look for modules in the folder of their run: that of the code, in place of the user's.
            with without_secrets(), chdir(CODE):
                ray.init(
                    "local",
                    num_cpus=workers,
                    num_gpus=0,
                    object_store_memory=STORE_BYTES,
                    include_dashboard=False,
                    configure_logging=False,
                    log_to_driver=False,
                    _temp_dir=folder,
                )
            yield workers
        finally:
            ray.shutdown()


@contextmanager
def without_secrets() -> Iterator[None]:
    """Let processes that are started meanwhile inherit only what those that decode may know, and settings of Ray."""
    before = dict(os.environ)
    for name in before:
        if name not in PASSED_ON and not name.startswith("RAY_"):
            del os.environ[name]
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep Ray from printing, which it does on stdout when a process is lost, and from telling how it is used."""
    logger = logging.getLogger("ray")
    level, before = logger.level, os.environ.get(USAGE)
    logger.setLevel(logging.CRITICAL)
    os.environ[USAGE] = "0"
    try:
        with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
            yield
    finally:
        logger.setLevel(level)
        os.environ.pop(USAGE)
        os.environ.update({} if before is None else {USAGE: before})


@contextmanager
def joined_at(ray: Any, address: str, workers: int | None) -> Iterator[int]:
    """Join the cluster at an address and leave it afterwards; lends the number of its processors. Raises NoRay."""
    host, _, port = address.rpartition(":")
    try:
        if port.isdecimal() and "://" not in address:
            socket.create_connection((host, int(port)), CONNECT_S).close()
        with chdir(CODE):
            ray.init(address, configure_logging=False, log_to_driver=False)
    except (OSError, RuntimeError, ValueError, ImportError) as error:
        raise NoRay(f"no Ray cluster at {address} ({first_line(error)})", "start one, or leave out --address") from None
    try:
        yield workers or max(1, int(ray.cluster_resources().get("CPU", 1)))
    finally:
        ray.shutdown()


def parts_of(ray: Any, work: Work, files: Sequence[MediaFile], stage: Path, places: int) -> Iterator[Part]:
    """Yield the parts as tasks end; files that a task left are read by another one. Raises WorkersLost, NoChild."""
    settings = {name: annotator.settings.model_dump(mode="json") for name, annotator in work.annotators.items()}
    request = Request(json.dumps(settings), tuple(work.labels.items()), work.memory_bytes, stage)
    task = ray.remote(num_cpus=1, max_retries=RETRIES)(write_part)
    fresh = batches_of(work.corpus, files, max(1, min(PART_FILES, -(-len(files) // (TURNS * places)))))
    left: deque[list[ToRead]] = deque()
    running: dict[Any, list[ToRead]] = {}
    while True:
        while len(running) < AHEAD * places and (batch := left.popleft() if left else next(fresh, None)):
            running[task.remote(request, batch)] = batch
        if not running:
            return
        (ended, *_), _ = ray.wait(list(running), num_returns=1)
        batch = running.pop(ended)
        part = result_of(ray, ended, batch)
        if rest := batch[part.outcome.files :]:
            left.append(rest)
        yield part


def batches_of(corpus: Corpus, files: Sequence[MediaFile], size: int) -> Iterator[list[ToRead]]:
    """Yield the files of each task, with absolute paths."""
    for many in batched(files, AT_ONCE):
        scenes = source_scenes(corpus, many)
        for few in batched(many, size):
            yield [(replace(file, path=file.path.absolute()), scenes.get(file.message_id, ())) for file in few]


def result_of(ray: Any, ended: Any, batch: Sequence[ToRead]) -> Part:
    """What a task gave back, or its error as it was raised there. Raises WorkersLost, OtherNode."""
    try:
        part: Part = ray.get(ended)
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, CbcError | OSError):
            raise error.cause from None
        lines = str(error.cause).strip().splitlines() or [type(error.cause).__name__]
        raise OtherNode(f"a task failed on its node ({lines[-1][:200]})", SAME_ON_ALL) from error
    except ray.exceptions.RayError as error:
        what = f"Ray lost the task of {batch[0][0].path.name} and {len(batch) - 1} more files {RETRIES + 1} times"
        raise WorkersLost(f"{what} ({first_line(error)})", "see to the nodes and run the same command again") from None
    return part


def move(part: Part, annotations: Path) -> None:
    """Move a task's files to their annotations, in the order in which these rest on each other."""
    for label in part.labels:
        (part.folder / f"{label}.parquet").replace(next_part(annotations / label))


def write_part(request: Request, batch: Sequence[ToRead]) -> Part:
    """Read files until a part is full, and write it. Runs on a worker of Ray, whose process keeps its child.

    Raises OtherNode, NoChild.
    """
    annotators = annotators_of(request.settings, request.labels)
    child = child_of(request.settings, request.labels, request.memory_bytes)
    folder = request.stage / uuid4().hex
    folder.mkdir()  # and not its parents: a task that outlives its run fails here
    outcome = MediaAnnotated()
    parts = Parts(annotators, dict(request.labels), lambda label: folder / f"{label}.parquet")
    for file, scenes in batch:
        parts.add(file, ask(child, file, scenes), outcome)
        if parts.full:
            break
    parts.write()
    written = tuple(label for _, label in request.labels if (folder / f"{label}.parquet").exists())
    return Part(folder, written, outcome)


@cache
def annotators_of(settings: str, labels: tuple[tuple[str, str], ...]) -> Mapping[str, MediaAnnotator]:
    """The annotators of a run. Raises OtherNode, NoMediaPackages."""
    classes: dict[str, Any] = {name: annotator_named(name) for name in json.loads(settings)}
    annotators = {name: classes[name](own) for name, own in json.loads(settings).items()}
    for name, label in labels_of(annotators).items():
        if label != dict(labels)[name]:
            what = f"a node makes {label} where this machine makes {dict(labels)[name]}"
            raise OtherNode(what, SAME_ON_ALL)
    return annotators


@cache
def child_of(settings: str, labels: tuple[tuple[str, str], ...], memory_bytes: int | None) -> Child:
    """The child of this process; it ends with it."""
    return new_child(annotators_of(settings, labels), memory_bytes)
