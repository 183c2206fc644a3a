"""A package outside the tree adds a source, a task and a predictor, and every command knows them."""

from __future__ import annotations

import json
import os
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from benchmark.bench import Bench
from corpus.simulate.world import simulate
from corpus.store import Corpus

EXAMPLE = Path(__file__).resolve().parents[1] / "example_package"
WORLD = {"brands": 10, "videos": 30, "posts": 0, "emails": 0}


def install(target: Path, package: Path = EXAMPLE) -> Path:
    """Lay a package and its entry points into a folder, as `pip install --target` does."""
    project = tomllib.loads((package / "pyproject.toml").read_text())["project"]
    for folder in package.glob("*/__init__.py"):
        shutil.copytree(folder.parent, target / folder.parent.name, ignore=shutil.ignore_patterns("__pycache__"))
    info = target / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    groups = [
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in points.items())
        for group, points in project["entry-points"].items()
    ]
    (info / "entry_points.txt").write_text("\n".join(groups))
    return target


@pytest.fixture(scope="module")
def with_example(cbc, tmp_path_factory) -> Callable[..., str]:
    """The command in an environment that has the package; gives what it prints."""
    target, cache = install(tmp_path_factory.mktemp("site")), tmp_path_factory.mktemp("cache")
    known = os.pathsep.join(filter(None, [str(target), os.environ.get("PYTHONPATH")]))

    def run(*args: object, code: int = 0) -> str:
        done = cbc(*args, PYTHONPATH=known, XDG_CACHE_HOME=str(cache))
        assert done.returncode == code, done.stderr
        return done.stdout if code == 0 else done.stderr

    return run


@pytest.fixture(scope="module")
def bench(with_example, tmp_path_factory) -> Path:
    """A bench of the simulated world, built with the package's task."""
    folder = tmp_path_factory.mktemp("world")
    simulate(folder / "corpus", **WORLD)
    with_example("benchmark", "build", "--corpus", folder / "corpus", "--out", folder / "bench")
    return folder / "bench"


def test_its_source_is_ingested_listed_and_explained(with_example, tmp_path):
    talk = {"speaker": "Brint", "title": "On bikes", "views": 900, "likes": 30, "seconds": 600}
    lines = [json.dumps({**talk, "id": number}) for number in range(3)] + ["{}"]
    (tmp_path / "a.talks.jsonl").write_text("\n".join(lines))
    with_example("corpus", "ingest", "talks", tmp_path, "--corpus", tmp_path / "corpus")
    with Corpus.open(tmp_path / "corpus").connect() as connection:
        assert connection.execute("SELECT count(*) FROM message").fetchone() == (3,)
        assert connection.execute("SELECT reason FROM rejects").fetchall() == [("no talk",)]
    assert "talks@1" in with_example("corpus", "status", "--corpus", tmp_path / "corpus")
    explained = with_example("corpus", "explain", "talk:1", "--corpus", tmp_path / "corpus")
    assert "effect.likes                 <- likes" in explained
    assert "Recorded talks: one JSON object a line" in explained
    refused = with_example("corpus", "ingest", "lectures", tmp_path, "--corpus", tmp_path / "corpus", code=2)
    assert "no source or mapping is called lectures; use one of ytdlp, " in refused and "talks" in refused
    with_example("corpus", "takedown", "talk:1", "--corpus", tmp_path / "corpus")
    assert "no message" in with_example("corpus", "explain", "talk:1", "--corpus", tmp_path / "corpus", code=2)


def test_its_task_is_built_answered_and_scored(with_example, bench, tmp_path):
    entry = Bench.open(bench).tasks["video_likes"]
    assert (entry["table"], entry["condition"]) == ("video_likes", "held_out")
    assert entry["metrics"] == ["decades_off", "rmse_log10"]
    listed = with_example("baselines", "list")
    assert "nearest_title" in listed and "geometric_mean" in listed
    runs = {name: tmp_path / name for name in ("nearest_title", "geometric_mean", "oracle", "boosted")}
    scored = {}
    for name, run in runs.items():
        with_example("baselines", "predict", name, "--bench", bench, "--out", run, "--tasks", "video_likes")
        assert "decades_off" in with_example("benchmark", "score", run, "--bench", bench)
        rows = json.loads((run / "scores.json").read_text())["rows"]
        scored[name] = next(row["value"] for row in rows if row["metric"] == "decades_off")
    assert scored["oracle"] < scored["boosted"] < scored["geometric_mean"]
    with_example("benchmark", "tables", *runs.values(), "--bench", bench, "--out", tmp_path / "tables")
    table = json.loads((tmp_path / "tables" / "video_likes.json").read_text())
    assert table["title"] == "Likes of videos (counts)"
    assert {row["run"] for row in table["rows"]} == {*runs, "random", "median"}
    with_example("leaderboard", "build", *runs.values(), "--bench", bench, "--out", tmp_path / "site")
    assert "geometric_mean" in (tmp_path / "site" / "index.html").read_text()


def test_its_task_is_asked_through_lm_eval(with_example, bench, tiny_llama, tmp_path):
    names = with_example("benchmark", "lm-eval-tasks", "--out", tmp_path / "files").split()
    assert names[-1] == "cbc_video_likes" and "cbc_views" in names
    text = (tmp_path / "files" / "video_likes.yaml").read_text()
    assert "!function benchmark.lm_eval.aggregate.decades_off" in text
    folder = Path(with_example("benchmark", "lm-eval-path").strip())
    assert folder == Path(with_example("benchmark", "lm-eval-path").strip())
    assert {path.name: path.read_text() for path in folder.iterdir()} == {
        path.name: path.read_text() for path in (tmp_path / "files").iterdir()
    }
    options = ("--bench", bench, "--out", tmp_path / "run", "--tasks", "video_likes", "--limit", 4)
    with_example("baselines", "predict", tiny_llama, *options)
    assert pl.read_parquet(tmp_path / "run" / "predictions" / "video_likes.parquet").height == 4


def test_without_the_package_its_task_is_named_as_unknown(cbc, with_example, bench, tmp_path):
    run = tmp_path / "run"
    with_example("baselines", "predict", "oracle", "--bench", bench, "--out", run, "--tasks", "video_likes")
    refused = cbc("benchmark", "score", run, "--bench", bench)
    assert refused.returncode == 2
    assert "no task is called video_likes; use one of replay_past" in refused.stderr and refused.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("group", "name", "value", "command"),
    [
        ("cbc.tasks", "views", "cbc_example.video_likes:VideoLikes", ("baselines", "list")),
        ("cbc.tasks", "likes", "cbc_example.video_likes:VideoLikes", ("baselines", "list")),
        ("cbc.tasks", "likes", "cbc_example.talks:Talks", ("baselines", "list")),
        ("cbc.predictors", "mean", "cbc_example.nearest_title:NearestTitle", ("baselines", "list")),
        ("cbc.sources", "tweets", "cbc_example.talks:Talks", ("corpus", "ingest", "tweets", "x", "--corpus", "c")),
    ],
)
def test_a_clash_or_a_wrong_class_is_one_line(group, name, value, command, cbc, tmp_path):
    package = tmp_path / "package"
    shutil.copytree(EXAMPLE, package)
    (package / "pyproject.toml").write_text(
        f'[project]\nname = "clash"\nversion = "1"\n[project.entry-points."{group}"]\n{name} = "{value}"\n'
    )
    done = cbc(*command, PYTHONPATH=str(install(tmp_path / "site", package)))
    assert done.returncode == 2 and done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
    assert name in done.stderr
