"""Media annotated on Ray: the rows of the other engine, whatever is killed, and nothing left behind."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
import threading
import time
import types
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from importlib.util import find_spec
from itertools import repeat
from pathlib import Path

import numpy as np
import psutil
import pytest

pytest.importorskip("av")

from corpus.annotate import ray_engine as engine_module
from corpus.annotate.children import NoChild
from corpus.annotate.media_run import annotate_media
from corpus.annotate.ray_engine import NoRay, OtherNode, WorkersLost, annotators_of, ray_engine
from corpus.store import Corpus
from tests.corpus.annotate.test_media import BLUE, GREEN, RED, WHITE, chosen, corpus_of
from tests.corpus.media.made_clips import colours_in_turn, make_clip, tone
from tests.corpus.sources.mapped import rows

ROOT = Path(__file__).resolve().parents[3]
needs_ray = pytest.mark.skipif(find_spec("ray") is None, reason="needs the extra ray, which is not installed")
NAMES = [letter * 11 for letter in "abcdefghijklmnop"]
ANNOTATORS = "look,sound,frames"
SETTINGS = ("frames.size=64",)
INLINE_BYTES = 10_000  # Ray puts arguments and results into its object store from 100 kB on


@pytest.fixture(scope="module")
def clips(tmp_path_factory) -> Path:
    """A corpus of sixteen messages with a file each: a damaged one, an empty one, one of sound alone, else clips."""
    corpus = corpus_of(tmp_path_factory.mktemp("clips"), *NAMES)
    media, random = corpus / "media", np.random.default_rng(0)
    for number, name in enumerate(NAMES[:13]):
        paint = colours_in_turn(RED, GREEN, BLUE, WHITE, each_s=0.6 + 0.1 * number)
        make_clip(media / f"{name}.mp4", paint, tone, duration_s=5)
    noise = make_clip(media / "n.mkv", lambda _: random.integers(0, 255, (96, 160, 3), np.uint8), duration_s=10)
    (media / f"{NAMES[13]}.mkv").write_bytes(noise.read_bytes()[: noise.stat().st_size // 2])
    noise.unlink()
    (media / f"{NAMES[14]}.mp4").touch()
    make_clip(media / f"{NAMES[15]}.wav", play=tone)
    return corpus


@pytest.fixture(scope="module")
def whole(clips, tmp_path_factory) -> dict[str, list[tuple]]:
    """What the local engine makes of these files, undisturbed."""
    corpus = shutil.copytree(clips, tmp_path_factory.mktemp("whole") / "corpus")
    annotate_media(corpus, chosen(ANNOTATORS, *SETTINGS), workers=1)
    content = content_of(corpus)
    reasons = {row[-1] for row in content["rejects"]}
    assert "an empty file" in reasons and any(reason.startswith("damaged: 5.") for reason in reasons)
    return content


@pytest.fixture
def corpus(clips, tmp_path) -> Path:
    return shutil.copytree(clips, tmp_path / "corpus")


def content_of(corpus: Path) -> dict[str, list[tuple]]:
    """All rows of each annotation, and the rejected files with their reasons."""
    labels = Corpus.open(corpus).annotations()
    assert len(labels) == 5, labels
    content = {label: rows(corpus, f'SELECT * FROM "{label}" ORDER BY ALL') for label in labels}
    return {**content, "rejects": rows(corpus, "SELECT source, file, reason FROM rejects ORDER BY ALL")}


def quiet_but_for_progress(out: str, err: str) -> bool:
    """Whether nothing was printed but the line a minute that every long command prints."""
    return not out and all(line.startswith("annotating: ") for line in err.splitlines())


def workers_at_work(root: psutil.Process) -> list[psutil.Process]:
    """Processes of Ray below another one that run a task of this engine."""
    at_work = []
    for process in root.children(recursive=True):
        try:
            if process.cmdline()[:1] == ["ray::write_part"]:
                at_work.append(process)
        except psutil.Error:
            continue
    return at_work


def is_agent(process: psutil.Process) -> bool:
    """Whether it is one of the processes with which Ray serves a dashboard, started or not."""
    try:
        return process.name() in ("ray::DashboardAgent", "ray::RuntimeEnvAgent")
    except psutil.Error:
        return False


class Killer(threading.Thread):
    """Kills a process that runs a task at each of some moments, and none twice."""

    def __init__(self, moments: Iterable[Callable[[], object]]) -> None:
        super().__init__(daemon=True)
        self.moments, self.killed, self.ended = moments, [], threading.Event()

    def run(self) -> None:
        for wait in self.moments:
            fresh: list[psutil.Process] = []
            while not fresh and not self.ended.is_set():
                at_work = workers_at_work(psutil.Process())
                fresh = [process for process in at_work if process.pid not in self.killed]
                time.sleep(0.01)
            if self.ended.is_set():
                return
            wait()
            fresh[0].kill()
            self.killed.append(fresh[0].pid)

    def __enter__(self) -> Killer:
        self.start()
        return self

    def __exit__(self, *_) -> None:
        self.ended.set()
        self.join()


def wait_for_staged(corpus: Path, seen: set[Path]) -> None:
    """Wait until a task writes another parquet file, of those that it writes after each other."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if fresh := set(corpus.glob("tmp/annotated-*/*/scenes@*.parquet")) - seen:
            seen |= fresh
            return
        time.sleep(0.001)


@pytest.fixture(scope="module")
def cluster() -> Iterator:
    """A Ray cluster whose first node runs one task at a time."""
    from ray.cluster_utils import Cluster

    settings = {"include_dashboard": False, "object_store_memory": 100_000_000}
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, **settings})
    yield made
    made.shutdown()


@needs_ray
def test_rows_are_those_of_the_local_engine_and_none_pass_through_ray(corpus, whole, monkeypatch, capfd):
    import ray

    monkeypatch.setenv("CBC_YOUTUBE_KEY", "secret-key")
    monkeypatch.setattr(engine_module, "PART_FILES", 3)
    first, others = NAMES[:2], NAMES[2:]
    aside = corpus / "aside"
    aside.mkdir()
    for path in (corpus / "media").iterdir():
        if path.stem in others:
            path.rename(aside / path.name)
    assert annotate_media(corpus, chosen(ANNOTATORS, *SETTINGS), workers=1).files == len(first)
    for path in aside.iterdir():
        path.rename(corpus / "media" / path.name)
    parts, requests, knowing, folders, before = [], [], [], [], set(Path("/tmp").glob("cbc-ray-*"))
    move, batches_of = engine_module.move, engine_module.batches_of

    def look_and_move(part, annotations):
        parts.append((len(pickle.dumps(part)), sum(file.stat().st_size for file in part.folder.iterdir())))
        folders.extend(set(Path("/tmp").glob("cbc-ray-*")) - before)
        for process in psutil.Process().children(recursive=True):
            knowing.extend([process.name()] if process.environ().get("CBC_YOUTUBE_KEY") else [])
        move(part, annotations)

    def measured_batches(*arguments):
        for batch in batches_of(*arguments):
            requests.append(len(pickle.dumps(batch)))
            yield batch

    monkeypatch.setattr(engine_module, "move", look_and_move)
    monkeypatch.setattr(engine_module, "batches_of", measured_batches)
    outcome = annotate_media(corpus, chosen(ANNOTATORS, *SETTINGS), workers=1, engine=ray_engine())
    assert outcome.files == len(others) and sum(outcome.rows.values()) > 100 and outcome.peak_bytes > 50e6
    assert content_of(corpus) == whole
    assert len(parts) == 5 and min(files for _, files in parts) > 10_000
    assert max(requests) < INLINE_BYTES and max(result for result, _ in parts) < INLINE_BYTES
    assert not knowing
    assert folders and not [folder for folder in folders if folder.exists()] and not ray.is_initialized()
    assert not (corpus / "tmp").exists() and os.environ["CBC_YOUTUBE_KEY"] == "secret-key"
    assert quiet_but_for_progress(*capfd.readouterr())
    assert annotate_media(corpus, chosen(ANNOTATORS, *SETTINGS), workers=1, engine=ray_engine()).files == 0


def test_a_task_done_twice_adds_its_rows_once(corpus, whole):
    """As Ray repeats one whose process it lost after all was written."""

    def twice(work, files, outcome):
        settings = json.dumps({name: made.settings.model_dump() for name, made in work.annotators.items()})
        with work.corpus.staging("twice") as stage:
            request = engine_module.Request(settings, tuple(work.labels.items()), None, stage)
            for batch in engine_module.batches_of(work.corpus, files, 9):
                lost, part = (engine_module.write_part(request, batch) for _ in range(2))
                assert lost.folder != part.folder and lost.outcome.rows == part.outcome.rows
                engine_module.move(part, corpus / "annotations")
                yield part.outcome.files
        engine_module.child_of(settings, request.labels, None).stop()

    annotate_media(corpus, chosen(ANNOTATORS, *SETTINGS), engine=twice)
    assert content_of(corpus) == whole


@needs_ray
def test_killed_processes_change_nothing(corpus, whole, cluster, monkeypatch, capfd):
    monkeypatch.setattr(engine_module, "PART_FILES", 3)
    seen: set[Path] = set()
    written = partial(wait_for_staged, corpus, seen)
    moments = [lambda: None, partial(time.sleep, 0.2), written, partial(time.sleep, 0.4), written]
    with Killer(moments) as killer:
        engine = ray_engine(cluster.address)
        outcome = annotate_media(corpus, chosen(ANNOTATORS, *SETTINGS), workers=1, engine=engine)
    assert len(killer.killed) == 5 and len(seen) == 2 and outcome.files == len(NAMES)
    assert content_of(corpus) == whole
    assert quiet_but_for_progress(*capfd.readouterr())


@needs_ray
def test_a_removed_node_changes_nothing(corpus, whole, cluster, monkeypatch):
    monkeypatch.setattr(engine_module, "PART_FILES", 2)
    node = cluster.add_node(num_cpus=1, object_store_memory=100_000_000)
    raylet = psutil.Process(node.all_processes["raylet"][0].process.pid)
    at_work: list[int] = []

    def remove():
        deadline = time.monotonic() + 60
        while not at_work and time.monotonic() < deadline:
            at_work.extend(process.pid for process in workers_at_work(raylet))
            time.sleep(0.01)
        cluster.remove_node(node, allow_graceful=False)

    remover = threading.Thread(target=remove)
    remover.start()
    outcome = annotate_media(
        corpus, chosen(ANNOTATORS, *SETTINGS), workers=1, engine=ray_engine(cluster.address, workers=2)
    )
    remover.join()
    assert at_work and not raylet.is_running() and outcome.files == len(NAMES)
    assert content_of(corpus) == whole


@needs_ray
def test_a_task_that_is_lost_each_time_ends_the_run_with_a_line(corpus, whole, cluster, monkeypatch):
    monkeypatch.setattr(engine_module, "RETRIES", 0)
    with (
        Killer(repeat(lambda: None)),
        pytest.raises(WorkersLost, match=r"lost the task of a{11}\.mp4 and 3 more files 1 "),
    ):
        annotate_media(corpus, chosen(ANNOTATORS, *SETTINGS), workers=1, engine=ray_engine(cluster.address, workers=1))
    annotate_media(corpus, chosen(ANNOTATORS, *SETTINGS), workers=1)
    assert content_of(corpus) == whole


@needs_ray
def test_an_error_of_a_worker_is_the_run_s(corpus, cluster):
    with pytest.raises(NoChild, match="does not start") as raised:
        annotate_media(corpus, chosen("scenes"), workers=1, memory_bytes=60_000_000, engine=ray_engine(cluster.address))
    assert raised.value.mend.startswith("allow it more memory")


@needs_ray
def test_a_node_without_the_code_is_named(cluster, monkeypatch):
    import ray

    absent = types.ModuleType("absent_on_nodes")
    exec("def write_part(): return 1", absent.__dict__)
    monkeypatch.setitem(sys.modules, absent.__name__, absent)
    ray.init(cluster.address, log_to_driver=False, configure_logging=False)
    try:
        with pytest.raises(OtherNode, match=r"a task failed on its node \(.*absent_on_nodes"):
            engine_module.result_of(ray, ray.remote(absent.write_part).remote(), [])
    finally:
        ray.shutdown()


def test_a_node_with_another_version_is_named():
    with pytest.raises(OtherNode, match=r"a node makes scenes@1-\w+ where this machine makes scenes@0-old"):
        annotators_of('{"scenes": {}}', (("scenes", "scenes@0-old"),))


@needs_ray
def test_no_cluster_at_an_address(corpus, cbc_here):
    words = ("corpus", "annotate", "--corpus", corpus, "--with", "look")
    for address in ("127.0.0.1:1", "nowhere"):
        refused = cbc_here(*words, "--engine", "ray", "--address", address)
        assert refused.returncode == 2 and refused.stderr.startswith(f"error: no Ray cluster at {address} (")
        assert refused.stderr.count("\n") == 1 and not refused.stdout
    alone = cbc_here(*words, "--address", "auto")
    assert alone.returncode == 2 and "--address is for --engine ray" in alone.stderr


def test_without_ray_one_line_names_the_extra(corpus, monkeypatch, cbc_here):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(NoRay):
        ray_engine()
    refused = cbc_here("corpus", "annotate", "--corpus", corpus, "--with", "look", "--engine", "ray")
    assert refused.returncode == 2 and refused.stderr.count("\n") == 1
    assert (
        refused.stderr.startswith("error: the engine ray needs a package") and "install the extra ray" in refused.stderr
    )
    assert not [label for label in Corpus.open(corpus).annotations() if "look" in label]


@needs_ray
@pytest.mark.parametrize("way", [signal.SIGINT, signal.SIGKILL], ids=["interrupted", "killed"])
def test_a_stopped_run_leaves_no_process_and_the_other_engine_goes_on(corpus, whole, way):
    words = ["annotate", "--corpus", str(corpus), "--with", ANNOTATORS, "--set", SETTINGS[0]]
    program = f"import sys\nsys.argv = {['cbc', 'corpus', *words, '--engine', 'ray', '--workers', '1']!r}\n"
    program += "from corpus.annotate import ray_engine\nray_engine.PART_FILES = 2\nimport cbc\ncbc.main()"
    before = set(Path("/tmp").glob("cbc-ray-*"))
    command = subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    started: set[psutil.Process] = set()
    deadline = time.monotonic() + 120
    while not list(corpus.glob("annotations/frames@*/*.parquet")) and time.monotonic() < deadline:
        assert command.poll() is None, command.communicate()
        started |= set(psutil.Process(command.pid).children(recursive=True))
        time.sleep(0.05)
    command.send_signal(way)
    out, err = command.communicate(timeout=60)
    code, line = (130, "interrupted; run the same command again to go on\n") if way == signal.SIGINT else (-9, "")
    assert command.returncode == code and err.endswith(line)
    assert quiet_but_for_progress(out, err.removesuffix(line))
    agents = [process for process in started if is_agent(process)] if way == signal.SIGKILL else []
    assert len(started) > 3 and not psutil.wait_procs(started - {*agents}, timeout=20)[1]
    for process in agents:  # they end by themselves, later
        process.kill()
    for folder in set(Path("/tmp").glob("cbc-ray-*")) - before:
        assert way == signal.SIGKILL, "an interrupted run removes its files"
        shutil.rmtree(folder)
    left = annotate_media(corpus, chosen(ANNOTATORS, *SETTINGS), workers=1)
    assert 0 < left.files < len(NAMES)
    assert content_of(corpus) == whole
