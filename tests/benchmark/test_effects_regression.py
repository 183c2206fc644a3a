"""The regression on all factors together: equal to an independent library's, calibrated, its gaps named."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression
from sklearn.preprocessing import OneHotEncoder

from benchmark.effects.design import Design, design_of, within
from benchmark.effects.recovered import compare_effects, intervals_of, visible_levels
from benchmark.effects.regression import effects_of, least_squares
from benchmark.tasks.planted import Factor

TONES, PLACES = ["dull", "fine", "grand"], ["east", "north", "south", "west"]


def drawn(rng: np.random.Generator, count: int, groups: int) -> tuple[list[Factor], np.ndarray]:
    """Two factors of levels, an amount, and the groups of some values."""
    tone, place = (pl.Series(rng.choice(levels, count)) for levels in (TONES, PLACES))
    amount = rng.normal(3, 2, count)
    return [Factor("tone", tone), Factor("place", place), Factor("amount", amount=amount)], rng.integers(
        0, groups, count
    )


def by_sklearn(factors: list[Factor], outcome: np.ndarray, rows: np.ndarray) -> list[np.ndarray]:
    """Effects of each factor by an ordinary one-hot regression: levels less their mean, the amount's slope."""
    texts = np.stack([factor.levels.to_numpy() for factor in factors[:2]], axis=1)
    hot = OneHotEncoder(drop="first", sparse_output=False).fit(texts).transform(texts)
    fitted = LinearRegression().fit(np.column_stack([hot, factors[2].amount])[rows], outcome[rows]).coef_
    tone, place = (np.concatenate([[0.0], part]) for part in (fitted[:2], fitted[2:5]))
    return [tone - tone.mean(), place - place.mean(), fitted[5:]]


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=25)
def test_effects_are_those_of_sklearn_also_without_each_group(seed):
    rng = np.random.default_rng(seed)
    factors, group = drawn(rng, 150, 6)
    outcome = rng.normal(size=150) + factors[2].amount
    design = design_of(factors, group)
    fitted = least_squares(design.columns, outcome[:, None], group, 6)
    every = np.ones(150, bool)
    for term, expected in zip(design.terms, by_sklearn(factors, outcome, every), strict=True):
        assert effects_of(term, fitted).full[:, 0] == pytest.approx(expected, abs=1e-6)
    for left in range(6):
        for term, expected in zip(design.terms, by_sklearn(factors, outcome, group != left), strict=True):
            assert effects_of(term, fitted).without[left, :, 0] == pytest.approx(expected, abs=1e-6)


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=15)
def test_within_questions_effects_are_those_with_a_level_for_each_question(seed):
    rng = np.random.default_rng(seed)
    question = np.repeat(np.arange(20), 8)
    factors, _ = drawn(rng, 160, 4)
    outcome = rng.normal(size=160) + 50 * rng.normal(size=20)[question]
    design = design_of(factors[:1], question // 5, question)
    fitted = least_squares(design.columns, within(outcome[:, None], question), question // 5, 4)
    hot = np.column_stack([(factors[0].levels == tone).to_numpy() for tone in TONES[1:]])
    columns = np.column_stack([hot, question[:, None] == np.arange(20)])
    levels = np.concatenate([[0.0], np.linalg.lstsq(columns, outcome, rcond=None)[0][:2]])
    assert effects_of(design.terms[0], fitted).full[:, 0] == pytest.approx(levels - levels.mean(), abs=1e-6)


@given(seed=st.integers(0, 2**32 - 1), times=st.floats(-3, 3), added=st.floats(-100, 100))
@settings(max_examples=25)
def test_size_is_the_factor_by_which_what_is_planted_is_multiplied_whatever_is_added(seed, times, added):
    rng = np.random.default_rng(seed)
    factors, group = drawn(rng, 200, 15)
    planted = (factors[0].levels == "grand").to_numpy() - 0.5 * (factors[1].levels == "west").to_numpy()
    planted = planted + 0.2 * factors[2].amount
    design = design_of(factors, group)
    fitted = least_squares(design.columns, np.stack([planted, times * planted + added], axis=1), group, 15)
    sizes = np.bincount(group, minlength=15).astype(float)
    for term in design.terms:
        effects = effects_of(term, fitted)
        shown = compare_effects(effects, 0, 1, np.ones(len(term.levels), bool), sizes)
        assert shown.size.value == pytest.approx(times, abs=1e-5)


def test_intervals_hold_the_planted_size_as_often_as_they_promise():
    rng, held, turned, worlds = np.random.default_rng(4), 0, 0, 300
    effects = dict(zip(PLACES, (0.4, 0.1, -0.1, -0.4), strict=True))
    for _ in range(worlds):
        factors, group = drawn(rng, 240, 24)
        planted = np.array([effects[place] for place in factors[1].levels])
        outcome = planted + rng.normal(0, 0.5, 24)[group] + rng.normal(0, 0.7, 240)
        design = design_of(factors, group)
        fitted = least_squares(design.columns, np.stack([planted, outcome, rng.permutation(outcome)], 1), group, 24)
        place, sizes = effects_of(design.terms[1], fitted), np.bincount(group, minlength=24).astype(float)
        visible = visible_levels(place.full[:, 0], intervals_of(place, 1, sizes))
        truth, shuffled = (compare_effects(place, 0, outcome, visible, sizes).size for outcome in (1, 2))
        held += truth.low <= 1 <= truth.high
        turned += shuffled.low <= 0 <= shuffled.high
    assert 0.91 <= held / worlds <= 0.985  # 95 %, three standard errors around it
    assert 0.91 <= turned / worlds <= 0.985


def one_factor(levels: list[str | None], group: list[int]) -> Design:
    return design_of([Factor("tone", pl.Series(levels, dtype=pl.String))], np.array(group))


def test_rare_levels_are_named_and_do_not_disturb_the_others():
    rng = np.random.default_rng(0)
    factors, group = drawn(rng, 120, 12)
    alone = design_of(factors, group)
    outcome = rng.normal(size=121)
    odd = [Factor("tone", pl.concat([factors[0].levels, pl.Series(["odd"])])), *factors[1:]]
    odd[1] = Factor("place", pl.concat([factors[1].levels, pl.Series(["west"])]))
    odd[2] = Factor("amount", amount=np.append(factors[2].amount, 40.0))
    design = design_of(odd, np.append(group, 12))
    assert design.rare == {"tone": ["odd"]} and design.terms[0].levels == TONES
    expected = least_squares(alone.columns, outcome[:120, None], group, 12)
    fitted = least_squares(design.columns, outcome[:, None], np.append(group, 12), 13)
    for mine, other in zip(design.terms, alone.terms, strict=True):  # the odd one has a column of its own
        assert effects_of(mine, fitted).full == pytest.approx(effects_of(other, expected).full, abs=1e-7)
        assert effects_of(mine, fitted).without[12] == pytest.approx(effects_of(other, expected).full, abs=1e-7)


def test_factors_that_cannot_be_told_apart_are_left_out_with_the_reason():
    rng = np.random.default_rng(0)
    (tone, _, amount), group = drawn(rng, 90, 9)
    renamed = Factor("again", tone.levels.replace({"dull": "a", "fine": "b", "grand": "c"}))
    constant = Factor("constant", amount=np.ones(90))
    unknown = Factor("unknown", amount=np.append(np.nan, amount.amount[1:]))
    single = Factor("single", pl.Series(["same"] * 90))
    design = design_of([tone, renamed, constant, unknown, single, amount], group)
    assert [term.factor.name for term in design.terms] == ["tone", "amount"]
    assert set(design.left_out) == {"again", "constant", "unknown", "single"}
    assert "follows from the factors before it" in design.left_out["again"]
    assert "unknown for some" in design.left_out["unknown"]
    assert "fewer than two levels" in design.left_out["single"]


def test_a_level_of_two_groups_alone_is_too_rare():
    design = one_factor(["a", "b", "c"] * 20 + ["d"] * 20, [*range(60), *([0, 1] * 10)])
    assert design.rare == {"tone": ["d"]} and design.terms[0].counts == [20, 20, 20]


def test_levels_that_only_one_group_tells_apart_from_another_factor_give_no_interval():
    level = ["a", "b"] * 30
    other = list(level)
    other[0], other[1] = other[1], other[0]  # group 0 alone keeps the two factors apart
    group = np.array([0, 0, *np.repeat(np.arange(1, 30), 2)])
    factors = [Factor("first", pl.Series(level)), Factor("second", pl.Series(other))]
    design = design_of(factors, group)
    fitted = least_squares(design.columns, np.arange(60.0)[:, None], group, 30)
    (low,) = {interval.low for interval in intervals_of(effects_of(design.terms[0], fitted), 0, np.full(30, 2.0))}
    assert low is None and np.isnan(fitted.without[0]).all() and np.isfinite(fitted.without[1:]).all()
