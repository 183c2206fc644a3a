"""A takedown killed at several points is completed by the same command, and leaves what a clean one leaves."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from corpus.ingest.run import ingest
from corpus.inspect.validate import validate
from corpus.release.export import export_published
from corpus.release.write import release
from corpus.sources.registry import source_named
from corpus.takedown.plan import PENDING
from tests.corpus.sources.infos import comment, rolled_up, video, write
from tests.corpus.sources.mapped import rows, tree

ROOT = Path(__file__).resolve().parents[3]
GONE = [f"goingvideo{n}" for n in range(4)]


def built(folder: Path) -> Path:
    """A corpus of two sources and what was released of it, in one folder."""
    for n in range(40):
        name = f"goingvideo{n}" if n < 4 else f"stayvideo{n:02}"
        text = f"the {n}th film of a long and winding series of films about the number {n}"
        spoken = [(0.0, 4.0, f"this is what was said in film {n} of the series")]
        info = video(name, title=text, description=f"{text}\n" * 40, comments=[comment(n)], channel_id=f"UC{n % 7}")
        write(folder / "videos", info, name=name, en_vtt=rolled_up(spoken))
    ingest(source_named("ytdlp"), [folder / "videos"], folder / "corpus")
    export_published(folder / "corpus", folder / "all.parquet")
    ingest(source_named("published"), [folder / "all.parquet"], folder / "corpus")
    return folder / "corpus"


def start(root: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "cbc", "corpus", "takedown", *GONE, "--corpus", str(root)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def left(place: Path) -> dict[str, str]:
    """What lies there but for the times of tombstones and the names of places."""
    return {name: one for name, one in tree(place).items() if not name.endswith(("withdrawn.jsonl", "derived.txt"))}


def test_a_killed_takedown_is_completed_by_the_same_command(tmp_path):
    made = built(tmp_path / "made")

    def fresh(name: str) -> Path:
        place = tmp_path / name
        place.mkdir()
        shutil.copytree(made, place / "corpus")
        release(place / "corpus", place / "released", "full")
        return place

    clean = fresh("clean")
    assert start(clean / "corpus").wait() == 0
    wanted, pending = left(clean), 0
    for number, delay_s in enumerate((0.0, 0.03, 0.08, 0.15, 0.3)):  # from when it has written down what is to go
        place = fresh(f"killed{number}")
        child = start(place / "corpus")
        while not (place / "corpus" / PENDING).exists() and child.poll() is None:
            time.sleep(0.001)
        time.sleep(delay_s)
        child.send_signal(signal.SIGKILL)
        child.wait()
        pending += (place / "corpus" / PENDING).exists()
        again = start(place / "corpus")
        assert again.wait() == 0, again.stderr.read().decode()
        assert left(place) == wanted, delay_s
        assert not validate(place / "corpus")
        assert rows(place / "corpus", "SELECT count(*) FROM message") == [(36,)]
    assert pending, "no kill came while it was at work"
