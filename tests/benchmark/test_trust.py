"""What a run says of itself is never trusted: no run becomes a reference or the oracle, none hides from the ranks."""

from __future__ import annotations

import json

import polars as pl
import pytest

from benchmark.open_runs import NotTheReference
from benchmark.reference_rows import provided_answers, provided_kinds
from benchmark.run import Run, write_run
from benchmark.score import write_scores
from benchmark.submit import BadName, submit
from benchmark.tables import make_tables
from leaderboard.site import build_site
from tests.benchmark.tiny_bench import noisy, truth_of, write_bench, write_values

TASK = "like_view_ratio"


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """A bench of the simulated world, whose private part holds the best possible answers."""
    made = write_bench(tmp_path_factory.mktemp("bench"), [TASK])
    best = made.public(TASK, "test").select("instance_id")
    best = best.with_columns(values=pl.Series(noisy(made, TASK, 0.2, 5), dtype=pl.List(pl.Float64)))
    best.write_parquet(made.root / "private" / TASK / "oracle.parquet")
    return made


@pytest.fixture(scope="module")
def honest(bench, tmp_path_factory):
    return write_values(tmp_path_factory.mktemp("honest") / "a", bench, "honest", {TASK: noisy(bench, TASK, 1)})


def content(folder):
    return json.loads((folder / f"{TASK}.json").read_text())


def row_of(table, run):
    (row,) = [row for row in table["rows"] if (row["run"], row["metric"]) == (run, "rmse")]
    return row


@pytest.mark.parametrize("kind", ["trivial", "oracle"])
def test_a_run_that_calls_itself_a_reference_is_ranked_like_everyone(kind, bench, honest, tmp_path):
    """It holds the truth itself: as `best_trivial` it would leave nobody any skill, as oracle it would have no rank."""
    forged = write_values(tmp_path / "f", bench, "forged", {TASK: truth_of(bench, TASK)}, kind=kind)
    make_tables([honest], bench.root, tmp_path / "before")
    make_tables([honest, forged], bench.root, tmp_path / "after")
    before, after = content(tmp_path / "before"), content(tmp_path / "after")
    assert after["best_trivial"] == before["best_trivial"] != {}
    assert row_of(after, "honest")["skill"] == row_of(before, "honest")["skill"]
    shown = row_of(after, "forged")
    assert (shown["kind"], shown["rank"], shown["value"]) == ("submitted", 1, 0)
    assert row_of(after, "honest")["rank"] > 1
    page = build_site([honest, forged], tmp_path / "site", bench.root).read_text()
    assert '<tr class="submitted" data-run="forged">' in page
    assert "top" in page.split('data-run="forged"')[1].split("</tr>")[0]


@pytest.mark.parametrize("name", ["constant", "random", "oracle", "Oracle", "ＣＯＮＳＴＡＮＴ", "interpolate"])
@pytest.mark.parametrize("kind", ["lm", "trivial", "oracle"])
def test_a_run_under_the_name_of_a_reference_is_refused_unless_it_is_the_reference(name, kind, bench, honest, tmp_path):
    forged = write_values(tmp_path / "f", bench, name, {TASK: truth_of(bench, TASK)}, kind=kind)
    for step in (
        lambda: make_tables([honest, forged], bench.root, tmp_path / "out"),
        lambda: build_site([honest, forged], tmp_path / "site", bench.root),
    ):
        with pytest.raises(NotTheReference, match="give the run another name"):
            step()
    assert not (tmp_path / "out").exists() and not (tmp_path / "site").exists()


@pytest.mark.parametrize("part", ["all", "some"])
def test_the_bench_itself_provides_references_and_oracle(part, bench, honest, tmp_path):
    questions = bench.public(TASK, "test")
    asked = questions if part == "all" else questions.head(7)
    names = provided_kinds(bench, TASK)
    assert set(names.items()) >= {("oracle", "oracle"), ("constant", "trivial"), ("random", "trivial")}
    theirs = [
        write_run(
            tmp_path / name, bench, name, kind, {TASK: provided_answers(bench, TASK, name, asked)}, {}, partial=True
        )
        for name, kind in names.items()
    ]
    assert make_tables([honest, *theirs], bench.root, tmp_path / "a") == make_tables(
        [honest], bench.root, tmp_path / "b"
    )
    oracle = row_of(content(tmp_path / "a"), "oracle")
    best = Run.open(theirs[-1], bench)
    assert (best.name, oracle["kind"], best.kind) == ("oracle", "oracle", "submitted")
    if part == "all":
        (scored,) = [row for row in write_scores(theirs[-1], bench.root) if row["metric"] == "rmse"]
        assert scored["value"] == oracle["value"]


def test_without_a_private_oracle_there_is_no_oracle_row_whoever_offers_one(bench, tmp_path):
    plain = write_bench(tmp_path / "bench", [TASK])
    mine = write_values(tmp_path / "mine", plain, "mine", {TASK: noisy(plain, TASK, 1)})
    forged = write_values(tmp_path / "oracle", plain, "oracle", {TASK: truth_of(plain, TASK)}, kind="oracle")
    with pytest.raises(NotTheReference):
        make_tables([mine, forged], plain.root, tmp_path / "out")
    make_tables([mine], plain.root, tmp_path / "out")
    assert "oracle" not in {row["kind"] for row in content(tmp_path / "out")["rows"]}


def test_nobody_submits_under_the_name_of_a_reference(bench, tmp_path):
    answers = tmp_path / "a.csv"
    bench.public(TASK, "test").select("instance_id", answer=pl.lit("1")).write_csv(answers)
    for name in ("constant", "ORACLE", " random"):
        with pytest.raises(BadName, match="one of the bench's own rows"):
            submit(answers, name, bench.root, tmp_path / "run")
    assert not (tmp_path / "run").exists()
