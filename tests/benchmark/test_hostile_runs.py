"""A run folder from anywhere: whatever is wrong with it is one line with its mend, and nothing is half-written."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmark.bench import Bench
from benchmark.run import read_run_manifest
from benchmark.score import write_scores
from benchmark.tables import make_tables
from benchmark.tasks.registry import task_named
from corpus.errors import CbcError
from leaderboard.pack import pack
from leaderboard.site import build_site
from tests.benchmark.hostile_runs import BREAKS, HARMLESS, TASK, change
from tests.benchmark.tiny_bench import noisy, write_bench, write_values

ROOT = Path(__file__).resolve().parents[2]
AS_A_PROCESS = {"name with a terminal's escape"}
"""Run as a user does; the others run the same main() in the test's own process, which saves its start."""
ROWLESS = {"no rows", "no rows of a partial run"}
"""Runs whose page has no line of their own kind; the others are shown together on one page, which takes a second."""


@pytest.fixture(scope="module")
def bench(tmp_path_factory) -> Bench:
    return write_bench(tmp_path_factory.mktemp("bench"), [TASK, "views"])


@pytest.fixture(scope="module")
def good(bench, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("good") / "run"
    return write_values(folder, bench, "good", {TASK: noisy(bench, TASK, 0.3)}, about={"says": "by hand"})


@pytest.fixture
def broken(good, tmp_path, request) -> Path:
    run = shutil.copytree(good, tmp_path / "in" / "run")
    BREAKS[request.param](run)
    return run


def names(folder: Path) -> list[str]:
    """Everything below a folder; links are not followed."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.parametrize("broken", BREAKS, indirect=True)
def test_what_is_wrong_is_one_line_and_nothing_is_written(broken, bench, tmp_path):
    before = names(tmp_path)
    for step in (
        lambda: write_scores(broken, bench.root),
        lambda: make_tables([broken], bench.root, tmp_path / "tables"),
        lambda: build_site([broken], tmp_path / "site", bench.root),
        lambda: build_site([broken], tmp_path / "site"),
        lambda: pack(broken, bench.root, tmp_path / "run.zip"),
    ):
        with pytest.raises(CbcError) as error:
            step()
        assert error.value.mend and str(error.value).isprintable() and len(str(error.value)) < 1000
        assert names(tmp_path) == before


@pytest.mark.parametrize("name", ["manifest deep", "name with a terminal's escape", "instances unknown", "file junk"])
@pytest.mark.parametrize("command", ["benchmark score", "benchmark tables", "leaderboard build"])
def test_the_commands_say_it_in_one_line_with_exit_code_2(name, command, good, bench, tmp_path, cbc, cbc_here):
    run = shutil.copytree(good, tmp_path / "run")
    BREAKS[name](run)
    out = [] if command == "benchmark score" else ["--out", tmp_path / "out"]
    done = (cbc if name in AS_A_PROCESS else cbc_here)(*command.split(), run, "--bench", bench.root, *out)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1 and "Traceback" not in done.stderr
    assert "\x1b" not in done.stderr
    assert names(tmp_path) == names_with(run)


def names_with(run: Path) -> list[str]:
    return [run.name, *(f"{run.name}/{name}" for name in names(run))]


@pytest.mark.parametrize("name", HARMLESS)
def test_what_is_odd_yet_documented_is_scored(name, good, bench, tmp_path):
    run = shutil.copytree(good, tmp_path / "run")
    HARMLESS[name](run)
    rows = write_scores(run, bench.root)
    assert {row["metric"] for row in rows} == {metric.name for metric in task_named("like_view_ratio").metrics}
    assert all(0 <= row["unparsed"] <= row["n"] for row in rows)
    json.loads((run / "scores.json").read_text())
    make_tables([run], bench.root, tmp_path / "tables")
    if name in ROWLESS:
        build_site([run], tmp_path / "site", bench.root)


def test_all_that_is_odd_yet_documented_is_shown_on_a_page(good, bench, tmp_path):
    runs = {f"odd {n}": shutil.copytree(good, tmp_path / f"run{n}") for n in range(len(HARMLESS))}
    for (name, run), change_run in zip(runs.items(), HARMLESS.values(), strict=True):
        change(run=name)(run)
        change_run(run)
    page = build_site([*runs.values()], tmp_path / "site", bench.root).read_text()
    assert all(name in page for name in runs)


def test_a_planted_link_is_not_written_through(good, bench, tmp_path):
    for name in ("scores.json", ".scores.json.part"):
        run, mine = shutil.copytree(good, tmp_path / f"run{name}"), tmp_path / "mine"
        mine.write_text("years of work")
        (run / name).symlink_to(mine)
        with pytest.raises(CbcError, match="is a link"):
            write_scores(run, bench.root)
        assert mine.read_text() == "years of work"


@pytest.mark.parametrize("inside", [".", "manifest.json", "predictions", f"predictions/{TASK}.parquet"])
def test_what_may_not_be_read_is_named(inside, good, bench, tmp_path):
    run = shutil.copytree(good, tmp_path / "run")
    (run / inside).chmod(0)
    command = [sys.executable, "-m", "cbc", "benchmark", "score", str(run), "--bench", str(bench.root)]
    if os.geteuid() == 0:  # root reads everything, unless it gives that up
        if shutil.which("setpriv") is None:
            pytest.skip("needs setpriv (util-linux) where the tests run as root")
        command = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all", *command]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    (run / inside).chmod(0o755)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("error: ") and "ermission" in done.stderr and done.stderr.count("\n") == 1


def test_every_field_that_the_manifest_has_is_in_the_documents(good):
    documented = (ROOT / "docs" / "run-format.md").read_text()
    for name, field in type(read_run_manifest(good)).model_fields.items():
        assert f"| `{name}` | " in documented and str(field.description) in documented, name
