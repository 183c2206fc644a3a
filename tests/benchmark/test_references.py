"""The references do what their names say, on any bench, and never look at the test answers."""

from __future__ import annotations

from zlib import crc32

import numpy as np
import polars as pl
import pytest
from scipy.stats import linregress
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern
from sklearn.linear_model import Ridge

from benchmark import stored_references
from benchmark.answers.base import RightAnswers
from benchmark.bench import SPLITS
from benchmark.references.chance import RANDOM
from benchmark.references.constants import CONSTANT, MAJORITY
from benchmark.references.curve_trees import CURVE_BY_TREES, curve_numbers
from benchmark.references.curves import (
    INTERPOLATE,
    INTERPOLATE_RESIDUAL,
    MEAN_BY_SCENE,
    MEAN_CURVE,
    MEAN_CURVE_OF_LENGTH,
    MODE_BY_SCENE,
    MeanCurves,
)
from benchmark.references.gaussian_process import GAUSSIAN_PROCESS, Conditional, Constants, CurveLaw
from benchmark.references.numbers import (
    CLASS_BY_NUMBERS,
    PENALTIES,
    RATIO_BY_NUMBERS,
    RATIO_BY_TREES,
    VIEWS_BY_NUMBERS,
    ridge,
)
from benchmark.references.overlap import OVERLAP
from benchmark.references.trees import grow_trees
from benchmark.references.whole_message import CLASS_BY_LENGTH, RATIO_BY_AGE, VIEWS_BY_AGE, VIEWS_PER_FOLLOWER
from benchmark.sizes import PanelSize
from benchmark.stored_references import FOLDS, best_references, cross_fitted, folds_by, reference_frame
from benchmark.tasks.registry import TASKS, references, task_named
from benchmark.tasks.replay import ReplayAllMasked
from tests.benchmark.tiny_bench import make_frame, write_bench

ALL = tuple(TASKS)
SLACK = {"share": 0.02, "difference": 0.35}  # between its 101 candidates; few values lie within a window


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    return write_bench(tmp_path_factory.mktemp("bench"), ALL)


def frames(bench, task):
    return bench.public(task, "train"), bench.public(task, "test")


def video(asked, curve, **more):
    hidden = [None if scene in asked else value for scene, value in enumerate(curve)]
    return {
        "instance_id": "v",
        "replay": hidden,
        "asked": asked,
        "target": [curve[s] for s in asked],
        "options": None,
        **more,
    }


@pytest.mark.parametrize("task", ALL)
def test_every_reference_answers_every_question_legally_and_always_alike(bench, task):
    definition, public = task_named(task), {split: bench.public(task, split) for split in SPLITS}
    low, high = definition.answer.legal
    answers = reference_frame(definition, public)
    assert answers.equals(reference_frame(definition, public))
    values = [name for name in answers.columns if name.startswith("values")]
    for reference in definition.references:
        for split, questions in public.items():
            part = answers.filter(pl.col("reference") == reference.name, pl.col("split") == split)
            assert part["instance_id"].to_list() == questions["instance_id"].to_list()
            asked = questions["asked"].list.len().to_list() if definition.asks_curve else [1] * len(questions)
            for name in values if reference.adjust else ["values"]:
                assert part[name].list.len().to_list() == asked, (reference.name, name)
                assert part[name].explode().is_between(low, high).all(), (reference.name, name)


def test_each_task_names_its_own_references():
    def named(task):
        return {reference.name for reference in task_named(task).references}

    means = {"mean_curve", "mean_curve_of_length", "mean_by_scene", "mode_by_scene"}
    without_visible = {"random", "constant", "curve_by_trees", *means}
    assert named("replay_all_masked") == without_visible
    assert named("replay_past") == without_visible | {"interpolate", "interpolate_residual", "gaussian_process"}
    assert {"views_per_follower", "views_by_age"} < named("views")
    assert {"views_by_numbers", "views_by_trees"} < named("views")
    assert {"by_age", "by_views", "by_numbers", "by_trees"} < named("like_view_ratio")
    assert named("tweet_likes_time") == {"random", "majority", "text_length", "class_by_numbers", "class_by_trees"}
    assert named("speech_choice") == {"random", "overlap"}
    assert set(references()) == {name for task in TASKS for name in named(task)}


def test_random_draws_from_the_training_values_for_each_instance_by_itself(bench):
    train, test = frames(bench, "replay_past")
    drawn = RANDOM.values(train, test)
    assert {v for values in drawn for v in values} <= set(train["target"].explode())
    assert RANDOM.values(train, test.tail(5)) == drawn[-5:]
    train, test = frames(bench, "speech_choice")
    options = [value for (value,) in RANDOM.values(train, test)]
    assert len(set(options)) > 10


def test_majority_is_that_of_the_training_part():
    train = make_frame(
        [{"options": o, "target": [t]} for o, t in ((["low", "high"], 1), (["high", "low"], 0), (["low", "high"], 0))]
    )
    test = make_frame([{"options": ["low", "high"]}, {"options": ["high", "low"]}])
    assert MAJORITY.values(train, test) == [[1], [0]]


@pytest.mark.parametrize("task", ["replay_past", "like_view_ratio", "views"])
def test_the_constant_is_the_best_one_in_training_for_each_metric(bench, task):
    definition, train = task_named(task), bench.public(task, "train")
    answers = bench.reference(task, CONSTANT.name).join(train.select("instance_id"), "instance_id", "semi")
    right = RightAnswers.of(train["target"], train["target"])
    mean = right.truth.mean()
    for metric in definition.metrics:
        if not metric.depends_on_level:
            continue
        name = f"values_{metric.name}"
        best = judged_value(metric, definition, right, answers[name])
        sign = 1 if metric.lower_is_better else -1
        for constant in [mean, *np.quantile(right.truth, np.linspace(0, 1, 40))]:
            other = pl.Series([[float(constant)] * n for n in right.lengths], dtype=pl.List(pl.Float64))
            value = judged_value(metric, definition, right, other)
            assert sign * best <= sign * value + max(SLACK[metric.skill] * abs(best), 0.02)


@pytest.mark.parametrize("names", [("g5", "g6", "g8"), ("g5",)])
def test_groups_that_a_hash_puts_into_one_fold_are_still_answered_from_the_others(bench, names):
    train = bench.public("like_view_ratio", "train").head(12)
    train = train.with_columns(group=pl.Series([names[i % len(names)] for i in range(len(train))]))
    by_hash = {crc32(f"fold:{name}".encode()) % FOLDS for name in names}
    assert len(by_hash) == 1 and len(set(folds_by(pl.Series(names)))) == len(names)
    own = pl.col("group") == names[0] if len(names) > 1 else pl.col("instance_id") == train["instance_id"][0]
    changed = train.with_columns(target=pl.when(own).then(pl.lit([99.0])).otherwise("target"))
    inside = train.select(own).to_series()
    before, after = (pl.Series(cross_fitted(CONSTANT, frame)) for frame in (train, changed))
    assert before.filter(inside).equals(after.filter(inside))
    assert not before.filter(~inside).equals(after.filter(~inside))


def judged_value(metric, definition, right, values):
    return metric.value(definition.answer.judge(right, values))


@pytest.mark.parametrize("task", ["replay_past", "like_view_ratio", "tweet_likes_brand"])
def test_a_training_question_is_answered_from_other_groups_alone(bench, task):
    definition, train = task_named(task), bench.public(task, "train")
    group = train["group"][0]
    own = pl.col("group") == group
    changed = train.with_columns(
        target=pl.when(own).then(pl.col("target").list.eval(pl.element() * 0)).otherwise("target")
    )
    for reference in definition.references:
        before, after = (cross_fitted(reference, frame) for frame in (train, changed))
        inside = train["group"] == group
        assert [b for b, i in zip(before, inside, strict=True) if i] == [
            a for a, i in zip(after, inside, strict=True) if i
        ]


@pytest.mark.parametrize("enough", [1, 10_000])
def test_the_best_reference_is_chosen_on_validation_with_training_where_that_is_small(bench, enough, monkeypatch):
    monkeypatch.setattr(stored_references, "ENOUGH", enough)
    for task in ("replay_past", "views"):
        definition = task_named(task)
        public = {split: bench.public(task, split) for split in SPLITS}
        answers = reference_frame(definition, public)
        best = best_references(definition, public, answers, PanelSize())
        if enough == 10_000:
            assert best == bench.tasks[task]["best_reference"]
        asked = [public["validation"]] if enough == 1 else [public["train"], public["validation"]]
        asked = pl.concat([frame.select("instance_id", "target", draw=pl.lit(0)) for frame in asked])
        if "draw" in public["validation"].columns:
            later = public["validation"].filter(pl.col("draw") > 0)["instance_id"]
            asked = asked.filter(~pl.col("instance_id").is_in(later.to_list()))
        right = RightAnswers.of(asked["target"], asked["target"])
        metric = definition.metrics[0]
        scores = {}
        for (name,), part in answers.filter(pl.col("split") != "test").group_by("reference"):
            values = asked.join(part, "instance_id", "left", maintain_order="left")["values"]
            scores[name] = judged_value(metric, definition, right, values)
        assert min((name for name in scores if name != RANDOM.name), key=scores.get) == best[metric.name]


class OfTwoReferences(ReplayAllMasked):
    references = (MEAN_CURVE, CONSTANT)


def test_the_best_reference_is_judged_on_videos_that_the_panel_can_ask_about(bench):
    """Of two references one is right about short videos alone, the other about long ones, which are more."""
    task = OfTwoReferences()
    scenes = pl.when(pl.int_range(pl.len()) % 4 == 0).then(4).otherwise(9)
    public = {
        split: bench.public(task.name, split).with_columns(scene_seen=pl.int_ranges(0, scenes)) for split in SPLITS
    }
    frames = []
    for reference, in_short in (("mean_curve", True), ("constant", False)):
        for split in ("train", "validation"):
            right = (pl.col("scene_seen").list.len() == 4) == in_short
            wrong = pl.col("target").list.eval(100 - pl.element())
            values = pl.when(right).then("target").otherwise(wrong).alias("values")
            frames.append(public[split].select("instance_id", values, split=pl.lit(split), reference=pl.lit(reference)))
    for size, best in ((PanelSize(most_scenes=5), "mean_curve"), (PanelSize(), "constant")):
        assert best_references(task, public, pl.concat(frames), size)[task.metrics[0].name] == best


def test_the_line_of_views_is_that_of_scipy():
    rng = np.random.default_rng(0)
    audience = 10 ** rng.uniform(1, 7, 60)
    views = np.maximum(audience**0.7 * np.exp(rng.normal(0, 1, 60)), 1)
    rows = [{"audience": float(a), "target": [float(v)], "options": None} for a, v in zip(audience, views, strict=True)]
    fit = linregress(np.log1p(audience), np.log(views))
    test = make_frame([{"audience": 5000.0, "options": None}, {"audience": None, "options": None}])
    (known,), (unknown,) = VIEWS_PER_FOLLOWER.values(make_frame(rows), test)
    assert known == pytest.approx(np.exp(fit.intercept + fit.slope * np.log1p(5000)))
    assert unknown == pytest.approx(np.exp(np.log(views).mean()))


def test_bins_answer_their_mean_and_the_unknown_have_their_own():
    numbers = [*range(200), *[None] * 30]
    rows = [
        {
            "age_days": None if n is None else float(n),
            "target": [7.0 if n is None else float(n // 100)],
            "options": None,
        }
        for n in numbers
    ]
    test = make_frame([{"age_days": a, "options": None} for a in (3.0, 1e9, None)])
    assert RATIO_BY_AGE.values(make_frame(rows), test) == [[0], [1], [7]]


def numbered(rng, count, law, **more):
    """Messages whose answer follows from followers and age."""
    audience, age = np.exp(rng.normal(9, 2, count)), rng.uniform(0, 900, count)
    rows = [
        {"audience": float(a) if i % 11 else None, "age_days": float(d), "options": None, "group": f"g{i}", **more}
        for i, (a, d) in enumerate(zip(audience, age, strict=True))
    ]
    known = np.where(np.arange(count) % 11, np.log1p(audience), 9.0)
    return [row | {"target": [float(value)]} for row, value in zip(rows, law(known, age), strict=True)]


def test_all_numbers_together_find_what_each_alone_does_not_and_words_are_not_read():
    rng = np.random.default_rng(4)
    law = lambda audience, age: np.exp(0.8 * audience + np.minimum(age, 300) / 150)  # noqa: E731
    train, test = (make_frame(numbered(rng, count, law)) for count in (800, 300))
    truth = np.log(test["target"].list.first().to_numpy())

    def error(reference):
        return np.sqrt(np.mean((np.log(np.ravel(reference.values(train, test.drop("target")))) - truth) ** 2))

    alone = min(error(reference) for reference in (VIEWS_PER_FOLLOWER, VIEWS_BY_AGE))
    assert error(VIEWS_BY_NUMBERS) < 0.15 * alone
    other_words = test.with_columns(text=pl.lit("other words").str.slice(0, pl.col("text").str.len_chars()))
    assert VIEWS_BY_NUMBERS.values(train, other_words) == VIEWS_BY_NUMBERS.values(train, test)


def test_trees_find_what_two_numbers_do_only_together():
    rng = np.random.default_rng(8)
    law = lambda audience, age: 5 + np.where(audience > 9, 1.0, -1.0) * np.where(age > 450, 1.0, -1.0)  # noqa: E731
    train, test = (make_frame(numbered(rng, count, law)) for count in (2000, 500))
    truth = test["target"].list.first().to_numpy()
    errors = [
        np.sqrt(np.mean((np.ravel(reference.values(train, test.drop("target"))) - truth) ** 2))
        for reference in (RATIO_BY_TREES, RATIO_BY_NUMBERS)
    ]
    assert errors[0] < 0.4 < 0.9 < errors[1]


def test_numbers_beyond_those_of_training_count_as_the_nearest_there_and_classes_are_the_likelier():
    rng = np.random.default_rng(5)
    rows = numbered(rng, 400, lambda _, age: 1.0 * (age > 500))
    train = make_frame([row | {"options": ["low", "high"]} for row in rows])
    oldest = max(row["age_days"] for row in rows)
    ages = (10.0, 900.0, oldest, 1e7)
    test = make_frame([{"audience": 5000.0, "age_days": age, "options": ["low", "high"]} for age in ages])
    low, high, last, beyond = CLASS_BY_NUMBERS.values(train, test)
    assert (low, high) == ([0.0], [1.0]) and last == beyond
    ratios = make_frame([row | {"options": None} for row in rows])
    (_, _, (last,), (beyond,)) = RATIO_BY_NUMBERS.values(ratios, test)
    assert last == pytest.approx(beyond)


def test_the_fit_is_the_ridge_regression_of_scikit_learn_at_the_best_penalty():
    rng = np.random.default_rng(6)
    known, asked = rng.normal(size=(120, 30)), rng.normal(size=(40, 30))
    known -= known.mean(axis=0)
    learned = known[:, 0] + rng.normal(0, 1, 120)
    ours = ridge(known, learned, asked)
    theirs = {penalty: Ridge(alpha=120 * penalty).fit(known, learned) for penalty in PENALTIES}
    chosen = [penalty for penalty, model in theirs.items() if np.allclose(ours, model.predict(asked))]
    assert len(chosen) == 1

    def error(penalty):
        hat = known @ np.linalg.solve(known.T @ known + 120 * penalty * np.eye(30), known.T)
        return np.sum((theirs[penalty].predict(known) - learned) ** 2) / (119 - np.trace(hat)) ** 2

    assert error(chosen[0]) == pytest.approx(min(map(error, PENALTIES)))


def test_one_account_is_cross_fitted_by_message():
    """Answered in sample, noise would look like skill."""
    rng = np.random.default_rng(7)
    rows = [
        {
            "instance_id": f"i{i}",
            "group": "one",
            "text": "x" * int(n),
            "target": [float(t)],
            "answer": "",
            "options": ["low", "high"],
        }
        for i, (n, t) in enumerate(zip(rng.integers(0, 200, 3000), rng.integers(0, 2, 3000), strict=True))
    ]
    train = make_frame(rows)
    answers = np.ravel(cross_fitted(CLASS_BY_LENGTH, train))
    assert np.mean(answers == train["target"].list.first().to_numpy()) < 0.52


def test_scenes_are_answered_by_their_number():
    curves = [[100.0, 20, 30]] * 12 + [[100.0, 40, 34]] * 12 + [[90.0, 60, 0]]
    train = make_frame([video([0], curve) for curve in curves])
    test = make_frame([video([0, 1, 2, 3], [0.0] * 4)])
    (means,), (modes,) = MEAN_BY_SCENE.values(train, test), MODE_BY_SCENE.values(train, test)
    assert means[0] == pytest.approx(99.6) and 95 <= modes[0] <= 100
    assert 30 <= modes[2] <= 34 and means[1] == pytest.approx((20 * 12 + 40 * 12 + 60) / 25)


def test_the_residual_is_interpolated_around_the_mean_curve():
    train = make_frame([video([0], [80.0, 60, 40, 20])])
    test = make_frame([video([1, 2], [90.0, 0, 0, 50])])
    (values,) = INTERPOLATE_RESIDUAL.values(train, test)
    assert values == pytest.approx([60 + 10 + 20 / 3, 40 + 10 + 40 / 3])


def test_the_process_is_that_of_scikit_learn_where_the_kernel_is_exponential():
    rng = np.random.default_rng(1)
    law = CurveLaw(MeanCurves(np.array([30.0]), np.ones(1), np.zeros((1, 100))), np.eye(100), 50.0)
    replay = rng.normal(0, 7, 30)
    asked = [3, 4, 5, 20, 29]
    replay[asked] = np.nan
    ours = Conditional(law, Constants(share=0.0, scale=6.0, noise=4.0), 30).predict(replay[None])[0][asked]
    shown = np.flatnonzero(np.isfinite(replay))[:, None]
    kernel = ConstantKernel(50.0) * Matern(length_scale=6.0, nu=0.5)
    theirs = GaussianProcessRegressor(kernel, alpha=4.0, optimizer=None).fit(shown, replay[shown[:, 0]])
    assert ours == pytest.approx(theirs.predict(np.array(asked)[:, None]), rel=1e-4)


def test_the_process_beats_the_mean_curve_and_the_line_on_its_own_draws():
    rng = np.random.default_rng(2)
    number = np.arange(40)
    covariance = 200 * np.exp(-np.abs(number[:, None] - number[None]) / 10)
    curves = np.clip(50 + rng.multivariate_normal(0 * number, covariance, 200), 0, 100)
    rows = [video(list(range(20, 28)), curve.tolist(), group=f"g{i}") for i, curve in enumerate(curves)]
    train, test = make_frame(rows[:100]), make_frame(rows[100:])

    def error(reference):
        gaps = np.array(reference.values(train, test.drop("target"))) - np.array(test["target"].to_list())
        return np.sqrt((gaps**2).mean())

    assert error(GAUSSIAN_PROCESS) < error(INTERPOLATE) < error(MEAN_CURVE)


def test_interpolation_is_linear_between_and_nearest_beyond():
    test = make_frame(
        [
            video([2, 3], [0, 10, -1, -1, 40, 50.0]),
            video([0, 1], [-1, -1, 7, 9.0]),
            video([3], [1, 2, 30.0, -1]),
            video([0, 1], [-1.0, -1]),
        ]
    )
    train = make_frame([video([0], [20.0, 1, 1])])
    assert INTERPOLATE.values(train, test) == [[20, 30], [7, 7], [30], [20, 20]]


def curves_by_length(rng, count):
    """Short videos that rise and long ones that fall, whose age adds to all values."""
    rows = []
    for i in range(count):
        scenes, age = (rng.choice([8, 9, 10]), rng.choice([60, 62])), float(rng.integers(0, 1000))
        length = int(scenes[i % 2])
        slope = 30 if i % 2 == 0 else -30
        curve = 50 + slope * (np.arange(length) / length - 0.5) + (10 if age > 500 else -10) + rng.normal(0, 3, length)
        rows.append(video(list(range(length)), curve.tolist(), group=f"g{i}", age_days=age))
    return rows


def test_curves_of_other_lengths_do_not_move_the_mean_and_trees_read_numbers_too():
    rng = np.random.default_rng(3)
    train, test = (make_frame(curves_by_length(rng, count)) for count in (200, 60))

    def error(reference):
        values = reference.values(train, test.drop("target"))
        gaps = np.concatenate([np.subtract(*pair) for pair in zip(values, test["target"].to_list(), strict=True)])
        return np.sqrt((gaps**2).mean())

    assert error(MEAN_CURVE) > 12  # the two slopes cancel
    assert error(MEAN_CURVE_OF_LENGTH) == pytest.approx(np.sqrt(10**2 + 3**2), abs=0.8)
    assert error(CURVE_BY_TREES) < 5


def test_trees_know_that_a_curve_without_100_has_it_among_the_masked_scenes():
    rng = np.random.default_rng(5)
    rows = []
    for i in range(400):
        curve = rng.permutation(np.linspace(0, 100, 11))
        rows.append(video([0], curve.tolist(), group=f"g{i}"))
    train, test = make_frame(rows[:300]), make_frame(rows[300:])
    values = np.ravel(CURVE_BY_TREES.values(train, test.drop("target")))
    truth = test["target"].list.first().to_numpy()
    assert (values[truth == 100] == 100).all()
    assert (values[truth == 0] == 0).all()
    assert np.abs(values - truth).mean() < 0.8 * np.abs(50 - truth).mean()
    assert np.sqrt(((np.ravel(GAUSSIAN_PROCESS.values(train, test.drop("target"))) - truth) ** 2).mean()) > 25


@pytest.mark.parametrize("lowest", [0.0, None], ids=["all reach both ends", "each has its own lowest value"])
def test_an_end_that_is_missing_is_answered_only_if_training_curves_reach_it_and_nothing_else_is_missing(lowest):
    rng = np.random.default_rng(6)

    def curve(i):
        low = rng.uniform(5, 30) if lowest is None else lowest
        return rng.permutation([low, 100.0, *rng.uniform(40, 60, 9)]).tolist()

    train = make_frame([video([0], curve(i), group=f"g{i}") for i in range(200)])
    high_masked = [100.0, 0.0, *[50.0] * 9]
    asked = make_frame(
        [
            video([0], high_masked),  # lacks 100
            video([1], high_masked),  # lacks 0
            video([0, 1], high_masked),  # lacks both: which is which cannot be known
            video([0], [*high_masked[:5], None, *high_masked[6:]]),  # 100 may be what nobody measured
            video([2], high_masked),  # lacks nothing
        ]
    )
    values = CURVE_BY_TREES.values(train, asked.drop("target"))
    assert values[0] == [100.0]
    assert (values[1] == [0.0]) is (lowest is not None)
    assert not {0.0, 100.0} & {*values[2], *values[3], *values[4]}


@pytest.mark.parametrize("share", [0.0, 0.9], ids=["equal channels", "one channel has most messages"])
def test_trees_find_a_law_also_where_one_channel_has_most_messages(share):
    rng = np.random.default_rng(9)
    channel = np.where(rng.random(1500) < share, 0, rng.integers(0, 40, 1500))
    age = rng.uniform(0, 10, 1500)
    groups, level = np.unique(channel, return_inverse=True)[1], np.where(age > 5, 60.0, 40.0)
    fitted = grow_trees(age[:, None], level + rng.normal(0, 5, 1500), groups, np.arange(1500), max_iter=100)
    assert fitted(np.array([[2.0], [8.0]])) == pytest.approx([40, 60], abs=2)


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_trees_of_a_few_messages_answer_their_mean(rows):
    known, learned = np.arange(rows, dtype=float)[:, None], np.arange(rows, dtype=float)
    fitted = grow_trees(known, learned, np.zeros(rows, dtype=np.int64), np.arange(rows), max_iter=100)
    assert fitted(np.array([[0.0], [99.0]])) == pytest.approx([learned.mean()] * 2)
    assert len(fitted(np.zeros((0, 1)))) == 0


def test_visible_values_are_read_from_both_sides_and_the_ends():
    numbers = curve_numbers([10.0, None, None, 40.0, 50.0, None], [1, 2, 5])
    assert numbers[:, 1].tolist() == [1, 2, 5] and (numbers[:, 2] == 6).all()
    missing = np.nan
    heights = [[missing, 10, 40, 50], [missing, 10, 40, 50], [40, 50, missing, missing]]
    away = [[missing, -1, 2, 3], [missing, -2, 1, 2], [-2, -1, missing, missing]]
    np.testing.assert_equal(numbers[:, 3:7], heights)
    np.testing.assert_equal(numbers[:, 7:11], away)
    np.testing.assert_allclose(numbers[0, 11:], [100 / 3, np.std([10, 40, 50]), 10, 50, 3])
    assert np.isnan(curve_numbers([None, None], [0, 1])[:, 3:]).all()


def test_a_length_that_training_lacks_gets_the_mean_of_all_and_a_rare_one_its_own():
    short = [video([0], [float(v)] * 10) for v in (20, 40)] * 1000
    asked = make_frame([video([0, 99], [0.0] * 100)])
    (values,) = MEAN_CURVE_OF_LENGTH.values(make_frame(short), asked)
    assert values == pytest.approx([30, 30])
    of_its_own = [video([0], [90.0] * 100)]
    (values,) = MEAN_CURVE_OF_LENGTH.values(make_frame([*short, *of_its_own]), asked)
    assert values == pytest.approx([(3 * 30 + 90) / 4] * 2, abs=0.1)  # one curve says little
    (values,) = MEAN_CURVE_OF_LENGTH.values(make_frame([*short, *of_its_own * 57]), asked)
    assert values == pytest.approx([87, 87], abs=0.2)


def test_trees_are_grown_as_many_as_help_other_channels():
    """A number that tells the channel helps on its own messages, and on those of others not at all."""
    rng = np.random.default_rng(7)

    def part(channels):
        rows = []
        for channel in channels:
            level = rng.normal(50, 20)
            audience = float(np.exp(rng.uniform(1, 12)))
            rows += [
                {"group": f"g{channel}", "audience": audience, "target": [level + rng.normal(0, 5)]} for _ in range(12)
            ]
        return make_frame([{"instance_id": f"{i}", "options": None, **row} for i, row in enumerate(rows)])

    train, test = part(range(60)), part(range(60, 100))
    values = np.ravel(RATIO_BY_TREES.values(train, test.drop("target")))
    truth = test["target"].list.first().to_numpy()
    assert np.sqrt(((values - truth) ** 2).mean()) < 1.02 * np.sqrt(
        ((train["target"].list.first().mean() - truth) ** 2).mean()
    )


def test_trees_need_no_value_of_any_certain_curve():
    rows = curves_by_length(np.random.default_rng(4), 80)
    for row in rows[::2]:
        row["target"] = [float("nan")] * len(row["target"])
    values = CURVE_BY_TREES.values(make_frame(rows), make_frame(rows[:4]))
    assert np.isfinite(np.concatenate(values)).all()


def test_trees_on_few_curves_answer_the_training_mean():
    train = make_frame([video([0], [float(v)] * 10, group=str(v)) for v in range(10, 30)])
    assert CURVE_BY_TREES.values(train, train) == [[pytest.approx(19.5)]] * 20


def test_the_mean_curve_restores_the_common_shape_at_other_lengths_and_ignores_missing_values():
    shape = np.linspace(100, 0, 50).round(2).tolist()
    train = make_frame([video([0, 1], shape), video([49], [v - 10 if v > 10 else v for v in shape])])
    test = make_frame([video([0, 12, 24], [0.0] * 25)])
    (values,) = MEAN_CURVE.values(train, test)
    assert values == pytest.approx([94, 45, 1], abs=0.2)
    holes = make_frame([video([1], [10.0, 30.0, None, 30.0])])
    assert MEAN_CURVE.values(holes, make_frame([video([2], [0.0] * 4)])) == [[pytest.approx(30)]]


def test_overlap_takes_what_the_visible_text_speaks_of_and_ignores_the_options_own_lines():
    options = ["unrelated remark here", "running shoes for winter", "something else again"]
    prompt = "title: winter shoes\nscene 1: running\n" + "\n".join(f"{i + 1}) {o}" for i, o in enumerate(options))
    test = pl.DataFrame({"prompt": [prompt], "options": [["1", "2", "3"]], "option_texts": [options]})
    assert OVERLAP.values(test, test) == [[1]]


def test_no_predictor_reads_the_test_answers(bench):
    for task in ("replay_future", "like_view_ratio", "tweet_likes_brand"):
        train, test = frames(bench, task)
        assert test["target"].null_count() == len(test)
        blind = test.drop("target", "answer")
        for reference in task_named(task).references:
            assert reference.values(train, blind) == reference.values(train, test)
