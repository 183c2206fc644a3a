"""The levels of factors are read from the texts of a world as they were planted."""

from __future__ import annotations

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from corpus.simulate import law as rules
from corpus.simulate.named_levels import named_level, post_style, post_topic
from corpus.simulate.phrases import post_of, speech_of, title_of

SEEDS = st.integers(0, 2**32 - 1)


def one_of(levels):
    return st.sampled_from(sorted(levels))


@given(SEEDS, one_of(rules.TONES), one_of(rules.OCCASIONS), one_of(rules.NICHES), st.booleans())
def test_a_title_names_its_tone_occasion_and_product(seed, tone, occasion, product, plain):
    title = pl.Series([title_of(np.random.default_rng(seed), tone, occasion, product, plain)])
    read = [named_level(title, levels)[0] for levels in (rules.TONES, rules.OCCASIONS, rules.NICHES)]
    assert read == [tone, occasion, product]


@given(SEEDS, one_of(rules.POST_TOPICS), one_of(rules.POST_STYLES), st.booleans())
def test_a_post_names_its_topic_and_style(seed, topic, style, plain):
    body = pl.Series([post_of(np.random.default_rng(seed), topic, style, plain)])
    assert (post_topic(body)[0], post_style(body)[0]) == (topic, style)


@given(SEEDS, one_of(rules.SHOTS), st.booleans())
def test_speech_names_its_shot(seed, shot, plain):
    assert named_level(pl.Series([speech_of(np.random.default_rng(seed), shot, plain)]), rules.SHOTS)[0] == shot


def test_a_text_that_names_none_or_several_has_no_level():
    texts = pl.Series(["funny loud", "funny, so funny", "unfunny", "", None])
    assert named_level(texts, rules.TONES).to_list() == [None, "funny", None, None, None]
    assert post_style(texts).to_list() == [None] * 5
