"""The tables: what is in them, that skill, ranks and separability are right, and what they refuse."""

from __future__ import annotations

import csv
import json
import time

import numpy as np
import pytest

from benchmark.metrics import RMSE
from benchmark.open_runs import DuplicateRuns, NotTheReference
from benchmark.reference_rows import provided_answers
from benchmark.run import NoPredictions, write_run
from benchmark.score import score
from benchmark.tables import make_tables
from benchmark.tables.make import NothingToTabulate
from benchmark.tables.paper import PAPER, PaperTable, TableClash, paper_tables
from benchmark.tasks.base import TableHeading
from benchmark.tasks.registry import TASKS, all_tasks, references
from benchmark.tasks.replay import ReplayPast
from corpus.errors import NoSuchPath
from tests.benchmark.tiny_bench import noisy, write_bench, write_values

SOME = ("replay_past", "replay_all_masked", "like_view_ratio", "tweet_likes_brand", "speech_choice")
KEYS = {"table", "condition", "metric", "run", "value", "low", "high", "skill", "skill_low", "skill_high"}
KEYS |= {"n", "groups", "effective_groups", "unparsed"}
SD = {"replay_past": (3, 12), "replay_all_masked": (3, 12), "like_view_ratio": (0.1, 1)}


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    return write_bench(tmp_path_factory.mktemp("bench"), SOME)


def a_run(bench, folder, name, level, seed=0, tasks=SOME, **more):
    values = {task: noisy(bench, task, SD.get(task, (0.05, 0.5))[level], seed) for task in tasks}
    return write_values(folder / name, bench, name, values, **more)


@pytest.fixture(scope="module")
def runs(bench, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    good = [a_run(bench, folder, f"good-seed{s}", 0, s, about={"recipe": "good", "seed": s}) for s in (0, 1, 2)]
    return [*good, a_run(bench, folder, "bad", 1, 7, tasks=SOME[:3])]


@pytest.fixture(scope="module")
def made(bench, runs, tmp_path_factory):
    out = tmp_path_factory.mktemp("tables")
    rows = make_tables(runs, bench.root, out)
    return rows, {path.stem: json.loads(path.read_text()) for path in sorted(out.glob("*.json"))}, out


def one(rows, run, condition, metric):
    (row,) = [r for r in rows if (r["run"], r["condition"], r["metric"]) == (run, condition, metric)]
    return row


def test_each_table_that_the_bench_covers_is_written_thrice_with_the_same_rows(made):
    rows, files, out = made
    assert set(files) == {"replay_values", "like_view_ratio", "twitter_likes", "content_simulation"}
    assert [row for name in paper_tables() if name in files for row in files[name]["rows"]] == rows
    assert all(set(row) >= KEYS for row in rows)
    for name, content in files.items():
        with (out / f"{name}.csv").open() as file:
            told = list(csv.DictReader(file))
        assert [float(row["value"]) for row in told] == [row["value"] for row in content["rows"]]
        assert set(told[0]) == set(content["rows"][0])
    assert len(list(out.iterdir())) == 3 * len(files)


def test_values_and_intervals_are_those_of_the_score_of_the_run_alone(made, bench, runs):
    rows = made[0]
    for run in runs:
        for scored in score(run, bench.root):
            shown = one(rows, scored["run"], scored["condition"], scored["metric"])
            for key in ("value", "n", "groups", "effective_groups", "unparsed"):
                assert shown[key] == scored[key]
            assert (shown["low"], shown["high"]) == pytest.approx((scored["low"], scored["high"]))


def test_references_are_always_there_and_the_one_chosen_has_skill_zero(made):
    rows, files, _ = made
    shown = {row["run"] for row in rows if row["condition"] == "past"}
    assert shown == {
        "good-seed0",
        "good-seed1",
        "good-seed2",
        "bad",
        "random",
        "constant",
        "mean_curve",
        "mean_curve_of_length",
        "mean_by_scene",
        "mode_by_scene",
        "curve_by_trees",
        "interpolate",
        "interpolate_residual",
        "gaussian_process",
    }
    for content in files.values():
        for condition, metrics in content["best_trivial"].items():
            for metric, best in metrics.items():
                there = [r for r in content["rows"] if (r["condition"], r["metric"]) == (condition, metric)]
                row = one(rows, best, condition, metric)
                assert row["kind"] == "trivial" and row in there
                assert (row["skill"], row["skill_low"], row["skill_high"]) == (0, 0, 0)


def test_skill_is_the_share_of_the_error_or_the_difference_in_accuracy(made):
    rows, files, _ = made
    best = files["replay_values"]["best_trivial"]["past"]
    rmse, base = (one(rows, run, "past", "rmse") for run in ("good-seed0", best["rmse"]))
    assert rmse["skill"] == pytest.approx(1 - rmse["value"] / base["value"])
    assert rmse["skill_low"] <= rmse["skill"] <= rmse["skill_high"]
    accuracy, base = (one(rows, run, "past", "accuracy_abs5") for run in ("good-seed0", best["accuracy_abs5"]))
    assert accuracy["skill"] == pytest.approx(accuracy["value"] - base["value"])
    r2 = one(rows, "good-seed0", "test", "r2")
    assert r2["skill"] == pytest.approx(
        r2["value"] - one(rows, best_of(files, "like_view_ratio", "r2"), "test", "r2")["value"]
    )


def best_of(files, table, metric, condition="test"):
    return files[table]["best_trivial"][condition][metric]


def test_two_runs_that_are_not_separable_share_a_rank_and_ranks_follow_the_values(made):
    for content in made[1].values():
        apart = {(p["condition"], p["metric"], p["better"], p["worse"]) for p in content["separable"]}
        for condition, metrics in content["rank"].items():
            for metric, ranks in metrics.items():
                lower = next(m["lower_is_better"] for m in content["metrics"] if m["name"] == metric)
                value = {run: one(content["rows"], run, condition, metric)["value"] for run in ranks}
                for a in ranks:
                    assert one(content["rows"], a, condition, metric)["rank"] == ranks[a]
                    for b in ranks:
                        if ranks[a] < ranks[b]:
                            assert (condition, metric, a, b) in apart
                            assert (value[a] < value[b]) == lower
        assert all((p["low"] > 0) == (p["high"] > 0) for p in content["separable"])


def test_clearly_better_runs_rank_first_and_seeds_of_one_recipe_do_not_differ(made):
    ranks = made[1]["replay_values"]["rank"]["all_masked"]["rmse"]
    assert [ranks[f"good-seed{s}"] for s in range(3)] == [1, 1, 1]
    assert ranks["bad"] == 4
    assert ranks["mean_curve"] > 4


def test_each_run_is_tested_against_the_best_reference_and_its_control_on_the_headline(bench, tmp_path):
    about = {"variant": "behavior", "trained_alike": "ab", "seed": 1}
    runs = [
        a_run(bench, tmp_path, "tuned", 0, 1, about=about),
        a_run(bench, tmp_path, "shuffled", 1, 2, about={**about, "variant": "control"}),
        a_run(bench, tmp_path, "other-seed", 1, 3, about={**about, "variant": "control", "seed": 2}),
        a_run(bench, tmp_path, "alone", 1, 4),
    ]
    make_tables(runs, bench.root, tmp_path / "out")
    for table in (json.loads(path.read_text()) for path in (tmp_path / "out").glob("*.json")):
        headline = table["metrics"][0]["name"]
        assert {row["metric"] for row in table["family"]} == {headline}
        for condition in table["conditions"]:
            rows = [row for row in table["family"] if row["condition"] == condition]
            best = table["best_trivial"][condition][headline]
            assert {row["run"] for row in rows if (row["rival"], row["role"]) == (best, "reference")} == {
                "tuned",
                "shuffled",
                "other-seed",
                "alone",
            }
            controls = [row for row in rows if row["role"] == "control"]
            assert [(row["run"], row["rival"]) for row in controls] == [("tuned", "shuffled")]
        for row in table["family"]:
            shown = one(table["rows"], row["run"], row["condition"], headline)
            if row["role"] == "reference":
                assert [row[key] for key in ("skill", "low", "high")] == [
                    shown[key] for key in ("skill", "skill_low", "skill_high")
                ]
            assert row["detectable"] > 0
            assert 0 < row["p"] <= 1 and (not row["apart"] or row["p"] <= 0.05)
    replay = (tmp_path / "out" / "replay_values.md").read_text()
    assert "## Apart from the best reference and from the control" in replay
    line = next(line for line in replay.splitlines() if "shuffled (control)" in line and "all_masked" in line)
    assert line.rstrip("| ").endswith("above")


def test_the_family_is_judged_jointly_over_the_conditions_of_a_table(tmp_path):
    families = {}
    for tasks in (("replay_past",), SOME):
        part = write_bench(tmp_path / f"bench{len(tasks)}", tasks)
        only = {task: noisy(part, task, 8) for task in tasks if task.startswith("replay")}
        run = write_values(tmp_path / f"run{len(tasks)}", part, "r", only)
        make_tables([run], part.root, tmp_path / f"out{len(tasks)}")
        table = json.loads((tmp_path / f"out{len(tasks)}" / "replay_values.json").read_text())
        families[len(tasks)] = {row["condition"]: row["p"] for row in table["family"]}
    assert set(families[1]) == {"past"} and set(families[len(SOME)]) == {"past", "all_masked"}
    assert families[len(SOME)]["past"] >= families[1]["past"]


def test_on_what_a_few_instances_decide_nobody_is_apart_and_the_next_metric_is_the_headline(tmp_path):
    bench = write_bench(tmp_path / "b", ["views"])
    rows = make_tables([a_run(bench, tmp_path, "r", 0, tasks=["views"])], bench.root, tmp_path / "out")
    table = json.loads((tmp_path / "out" / "views.json").read_text())
    assert table["heavy_tailed"] == ["rmse"]
    raw = [row for row in rows if row["metric"] == "rmse"]
    assert {row["rank"] for row in raw} == {1} and {row["low"] for row in raw} == {row["skill_low"] for row in raw} == {
        None
    }
    assert [row["metric"] for row in table["family"]] == ["rmse_log10"]
    assert "A few instances decide rmse: no intervals" in (tmp_path / "out" / "views.md").read_text()


def test_seeds_of_one_recipe_have_mean_and_spread_apart_from_intervals(made):
    rows, files, out = made
    seeds = {(r["condition"], r["metric"]): r for r in files["replay_values"]["seeds"]}
    values = [one(rows, f"good-seed{s}", "past", "rmse")["value"] for s in range(3)]
    found = seeds["past", "rmse"]
    assert (found["recipe"], found["seeds"]) == ("good", 3)
    assert found["mean"] == pytest.approx(np.mean(values))
    assert found["sd"] == pytest.approx(np.std(values, ddof=1))
    assert (found["lowest"], found["highest"]) == (min(values), max(values))
    assert "Over training seeds" in (out / "replay_values.md").read_text()


def test_the_papers_figures_stand_apart_and_are_marked(made):
    rows, files, out = made
    assert not {row["run"] for row in rows} & {
        row["model"] for content in files.values() for row in content["reported"]
    }
    text = (out / "replay_values.md").read_text()
    quoted = [line for line in text.splitlines() if line.startswith(">")]
    assert any("reported elsewhere (paper), other data: not comparable row by row" in line for line in quoted)
    assert any("LCBM 13B BFT 5-masked" in line and "11.53" in line for line in quoted)
    assert not any("11.53" in line for line in text.splitlines() if not line.startswith(">"))
    assert {r["condition"] for r in files["replay_values"]["reported"]} == {"past", "all_masked"}


def test_the_page_says_what_it_rests_on(made):
    text = (made[2] / "replay_values.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("| good-seed0")]
    shown = one(made[0], "good-seed0", "past", "rmse")
    assert any(f"{shown['value']:.2f} [{shown['low']:.2f}, {shown['high']:.2f}]" in row for row in rows)
    assert "simulated world" in text and "Unparsed answers" in text
    assert ["past", "40", "40", "12", "11.8"] in [
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()
    ]
    for line_up in (block for block in text.split("\n\n") if block.startswith("|")):
        assert len({line.count("|") for line in line_up.splitlines()}) == 1


def test_the_same_runs_give_the_same_bytes(made, bench, runs, tmp_path):
    make_tables(runs, bench.root, tmp_path / "again")
    for path in made[2].iterdir():
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes()


def test_a_run_of_a_reference_adds_nothing_and_a_forged_one_is_refused(bench, runs, tmp_path):
    questions = bench.public("like_view_ratio", "test")
    same = provided_answers(bench, "like_view_ratio", "constant", questions)["values"].to_list()
    mine = write_values(tmp_path / "constant", bench, "constant", {"like_view_ratio": same}, kind="trivial")
    with_it = make_tables([*runs, mine], bench.root, tmp_path / "with")
    assert with_it == make_tables(runs, bench.root, tmp_path / "without")
    for kind in ("trivial", "lm"):
        forged = write_values(tmp_path / kind, bench, "constant", {"like_view_ratio": [[1.25]] * 40}, kind=kind)
        with pytest.raises(NotTheReference, match="but not its answers to like_view_ratio"):
            make_tables([*runs, forged], bench.root, tmp_path / "forged")
    assert not (tmp_path / "forged").exists()


def test_identical_runs_are_never_separable(bench, tmp_path):
    twins = [a_run(bench, tmp_path, name, 1, 3) for name in ("one", "two")]
    make_tables(twins, bench.root, tmp_path / "out")
    for path in (tmp_path / "out").glob("*.json"):
        content = json.loads(path.read_text())
        assert not [p for p in content["separable"] if {p["better"], p["worse"]} == {"one", "two"}]
        for metrics in content["rank"].values():
            assert all(ranks["one"] == ranks["two"] for ranks in metrics.values())


def test_with_one_group_nobody_is_separable_and_intervals_are_null(tmp_path):
    bench = write_bench(tmp_path / "b", ["like_view_ratio"], groups=1)
    rows = make_tables([a_run(bench, tmp_path, "r", 0, tasks=["like_view_ratio"])], bench.root, tmp_path / "out")
    assert {row["rank"] for row in rows} == {1}
    assert {row["low"] for row in rows} == {row["skill_low"] for row in rows} == {None}
    text = (tmp_path / "out" / "like_view_ratio.md").read_text()
    assert (
        "[no interval]" in text and "Fewer than 10 effective groups (test): no intervals, and nobody is apart" in text
    )


def test_each_mistake_has_its_error_and_writes_nothing(bench, runs, tmp_path):
    out = tmp_path / "out"
    copy = a_run(bench, tmp_path, "bad", 0)
    named_mean = write_values(tmp_path / "m", bench, "constant", {"like_view_ratio": [[1.0]] * 40}, kind="lm")
    empty = write_run(tmp_path / "empty", bench, "empty", "lm", {}, {})
    for given, error, told in (
        ([*runs, copy], DuplicateRuns, "both called bad"),
        ([named_mean], NotTheReference, "the name of the bench's own constant"),
        ([empty], NoPredictions, "none of the bench's tasks"),
        ([], NothingToTabulate, "no run"),
        ([tmp_path / "nowhere"], NoSuchPath, "no run at"),
    ):
        with pytest.raises(error, match=told):
            make_tables(given, bench.root, out)
    nothing = write_bench(tmp_path / "nothing", [])
    with pytest.raises(NothingToTabulate, match="no task of any table"):
        make_tables(runs, nothing.root, out)
    assert not out.exists()


def test_the_command_prints_every_table(cbc, bench, runs, tmp_path):
    done = cbc("benchmark", "tables", *runs, "--bench", bench.root, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n# ") + done.stdout.startswith("# ") == 4
    assert (tmp_path / "out" / "replay_values.md").read_text() in done.stdout
    wrong = cbc("benchmark", "tables", runs[0], runs[0], "--bench", bench.root, "--out", tmp_path / "other")
    assert wrong.returncode == 2
    assert wrong.stderr.startswith("error: ") and wrong.stderr.count("\n") == 1
    assert not (tmp_path / "other").exists()


def test_every_task_belongs_to_one_table_which_shows_its_metrics_and_the_papers_rows_fit():
    tables = paper_tables()
    columns = {(name, condition): task for name, table in tables.items() for condition, task in table.tasks.items()}
    assert columns == {(task.table.name, task.condition): task.name for task in all_tasks()}
    for task in all_tasks():
        assert [m for m in tables[task.table.name].metrics.values() if m in task.metrics] == list(task.metrics)
    with PAPER.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["table"] in tables]
    assert len(rows) == sum(len(table.reported()) for table in tables.values())


@pytest.mark.slow
def test_thirteen_runs_on_all_tasks_do_not_take_long(tmp_path):
    bench = write_bench(tmp_path / "b", tuple(TASKS), count=300, groups=100)
    runs = [a_run(bench, tmp_path, f"r{i}", i % 2, i, tasks=tuple(TASKS)) for i in range(13)]
    start = time.perf_counter()
    rows = make_tables(runs, bench.root, tmp_path / "out")
    print(f"{time.perf_counter() - start:.1f} s for {len(rows)} rows")
    assert len({row["run"] for row in rows}) == 13 + len(references())


class Middle(ReplayPast):
    """A further column of the paper's first table, as another package may add it."""

    name = "replay_middle"
    condition = "middle"


class OwnWords(Middle):
    table = TableHeading("replay_values", "Replays", "In other words.")


class OwnRmse(Middle):
    metrics = (RMSE,)


def test_a_task_joins_a_table_by_its_heading_and_what_does_not_fit_is_named():
    table = PaperTable(ReplayPast.table)
    table.add(ReplayPast())
    with pytest.raises(TableClash, match="replay_middle has another metric rmse than replay_values"):
        PaperTable(table.heading, {}, dict(table.metrics)).add(OwnRmse())
    with pytest.raises(TableClash, match="heads the table replay_values otherwise"):
        table.add(OwnWords())
    table.add(Middle())
    assert table.tasks == {"past": "replay_past", "middle": "replay_middle"}
    with pytest.raises(TableClash, match="both the condition middle of replay_values"):
        table.add(Middle())
