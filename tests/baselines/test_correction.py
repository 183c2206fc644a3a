"""A correction of the reference is kept where it helps other groups, and is nothing where it does not."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy.sparse import csr_matrix

from baselines.correction import Gaps, Nothing, is_clearly_less, is_less_by_groups, learn_correction
from baselines.linear import fit_ridge


def rows(rng, count, slope, groups=40):
    features = rng.normal(size=(count, 60))
    gaps = slope * features[:, 0] + rng.normal(size=count)
    return Gaps(csr_matrix(features), gaps, pl.Series([f"g{i % groups}" for i in range(count)]))


def nobody():
    return Gaps(None, np.zeros(0), pl.Series([], dtype=pl.String))


@pytest.mark.parametrize("with_validation", [True, False])
def test_a_correction_is_kept_where_there_is_something_to_learn(with_validation):
    rng = np.random.default_rng(0)
    known = rows(rng, 400, 1.0)
    tried = rows(rng, 200, 1.0) if with_validation else nobody()
    model, errors = learn_correction(fit_ridge, known, tried)
    asked = rows(rng, 300, 1.0)
    assert len(errors) == (200 if with_validation else 400)
    assert np.std(asked.gaps - model.predict(asked.features)) < 1.2 < np.std(asked.gaps)
    assert np.std(errors) == pytest.approx(np.std(asked.gaps - model.predict(asked.features)), abs=0.15)


@pytest.mark.parametrize("with_validation", [True, False])
def test_noise_is_mostly_left_alone(with_validation):
    kept = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        known = rows(rng, 200, 0.0)
        tried = rows(rng, 120, 0.0) if with_validation else nobody()
        model, errors = learn_correction(fit_ridge, known, tried)
        kept.append(not isinstance(model, Nothing))
        if not kept[-1]:
            assert np.array_equal(errors, (tried if with_validation else known).gaps)
            assert model.predict(csr_matrix((7, 60))).tolist() == [0] * 7
    assert np.mean(kept) < 0.35


def test_a_single_group_shows_nothing_about_others():
    rng = np.random.default_rng(1)
    model, errors = learn_correction(fit_ridge, rows(rng, 100, 1.0, groups=1), nobody())
    assert isinstance(model, Nothing) and len(errors) == 100


def test_groups_that_gain_must_outweigh_those_that_lose_and_four_are_too_few():
    reference, alike = np.full(5, 2.0), np.ones(5)
    assert is_clearly_less(np.array([1.0, 1.0, 1.0, 1.0, 2.5]), reference, alike)
    assert not is_clearly_less(np.array([1.0, 1.0, 1.0, 1.0, 6.5]), reference, alike)
    assert not is_clearly_less(np.ones(4), reference[:4], alike[:4])
    assert not is_clearly_less(np.zeros(0), np.zeros(0), np.zeros(0))


@pytest.mark.parametrize("in_small", [0.3, 0.6])
def test_a_question_counts_alike_in_a_large_group_and_one_giant_shows_nothing(in_small):
    groups = pl.Series([*np.repeat([f"small {i}" for i in range(11)], 10), *["giant"] * 2000])
    errors = np.where(groups.to_numpy() == "giant", 0.9 - in_small, in_small)
    assert not is_less_by_groups(errors, np.full(len(groups), 0.5), groups)
    large = pl.Series(
        [*np.repeat([f"small {i}" for i in range(11)], 10), *np.repeat([f"large {i}" for i in range(9)], 99)]
    )
    errors = np.where(large.str.starts_with("large").to_numpy(), 0.9 - in_small, in_small)
    assert is_less_by_groups(errors, np.full(len(large), 0.5), large) is (in_small == 0.6)
