"""Which parts of a text are replaced: by example, on the planted set, and for any text."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.privacy.scrub import OWN_FINDERS, RECEIVER_FINDERS, find_spans, scrub, scrub_own, scrub_own_texts
from tests.corpus.privacy.planted import Planter
from tests.performance.measure_privacy import ours, rates, score

PIECES = st.sampled_from(
    (
        "@",
        "＠",
        ".",
        "-",
        "+",
        "(",
        ")",
        "/",
        ":",
        "a",
        "b7",
        "_",
        "0",
        "5",
        "555",
        "0170",
        "1234567",
        "dot",
        "at",
        "[at]",
        "(dot)",
        "www.",
        "https://",
        "x.com/",
        "com",
        "one",
        "two",
        "\u200b",
        "\u202a",
        "é",
        "は",
        "६",
        "\ud800",
        "\x00",
        "\n",
        "(mention)",
        "(phone)",
        "mailto:",
        "tel:",
        "@@",
        "..",
    )
)
TEXTS = st.one_of(st.text(max_size=60), st.lists(PIECES, max_size=25).map("".join), st.lists(PIECES).map(" ".join))


@pytest.fixture(scope="module")
def planted():
    return list(Planter(seed=20).lines(60))


def test_recall_and_precision_on_the_planted_set(planted):
    detected, finds, faults = score(planted, ours)
    recall, precision = rates(detected, finds, planted)
    assert recall >= 0.98 and precision >= 0.98, faults[:20]
    for label in {line.label for line in planted if line.items}:
        assert detected[label] >= 0.9 * 60, [fault for fault in faults if label in fault[1]]


def test_planted_items_cannot_be_read_after_scrubbing(planted):
    readable = 0
    for line in planted:
        scrubbed = scrub(line.text) if line.level == "comment" else scrub_own(line.text)
        readable += any(line.text[start:end] in scrubbed for start, end, _ in line.items)
    assert readable <= 0.02 * sum(bool(line.items) for line in planted)


@settings(max_examples=400, deadline=None)
@given(TEXTS)
def test_scrubbing_is_idempotent_and_bounds_the_length(text):
    for clean, finders in ((scrub, RECEIVER_FINDERS), (scrub_own, OWN_FINDERS)):
        scrubbed = clean(text)
        assert clean(scrubbed) == scrubbed
        assert len(scrubbed) <= 5 * len(text)
        assert find_spans(text, finders) or scrubbed == text


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(st.characters(categories=["L"]), max_size=12).filter(lambda w: w.lower() not in ("dot", "at"))))
def test_words_alone_stay_as_they_are(words):
    assert scrub(" ".join(words)) == " ".join(words)


@given(st.lists(st.one_of(st.none(), TEXTS), max_size=8))
def test_many_texts_are_scrubbed_like_each_alone(texts):
    assert scrub_own_texts([*texts, *texts]) == [None if text is None else scrub_own(text) for text in texts] * 2


@pytest.mark.parametrize(
    "text", ["a" * 300_000, "a@" * 50_000, "1 " * 100_000, "x.com/" * 40_000, "one " * 50_000, "\u200b@a." * 40_000,
             "a dot " * 40_000 + "at", "www." * 50_000, "((((" * 50_000, "a at b.c " * 20_000]
)  # fmt: skip
def test_scrubbing_takes_time_linear_in_the_length(text):
    """Ten times the text may take about ten times as long; with backtracking it would take a hundred times."""
    spent = []
    for part in (text[: len(text) // 10], text):
        start = time.process_time()
        scrub(part), scrub_own(part)
        spent.append(time.process_time() - start)
    assert spent[1] < 40 * max(spent[0], 0.05)


@pytest.mark.parametrize(
    ("text", "receiver", "communicator"),
    [
        ("see https://brand-17.example/new?id=7 now", "see (link) now", None),
        ("I am on x.com/some_one and t.me/some1.", "I am on (link) and (link).", "I am on (profile) and (profile)."),
        ("https://www.linkedin.com/in/some-one/", "(link)", "(profile)"),
        ("https://www.youtube.com/watch?v=aaaaaaaaaaa", "(link)", None),
        ("https://x.com/hashtag/shoes", "(link)", None),
        ("jo at mail dot example dot com has no cue", None, None),
        ("e-mail jo at mail dot example dot com", "e-mail (email)", "e-mail (email)"),
        ("jo [at] mail (dot) example", "(email)", "(email)"),
        ("find us at brand-17 dot com", None, None),
        ("ｊｏ＠ｍａｉｌ．ｅｘａｍｐｌｅ", "(email)", "(email)"),
        ("jo\u200b@mail.exam\u200dple!", "(email)!", "(email)!"),
        ("@ब्रांड_१७ और ＠brand", "(mention) और (mention)", "(mention) और (mention)"),
        ("call ०१७० १२३४५६७", "call (phone)", "call (phone)"),
        ("five five five oh one two three four", "(phone)", "(phone)"),
        ("+49 170 1234567, (0)170-1234567", "(phone), (phone)", "(phone), (phone)"),
        ("live @ 5pm @5pm, 1080p@60, 24/7, RTX 4090, 3-2, 6-4 3-6 7-6, 9.81", None, None),
        ("$12345678, 12,345,678 views, 12345678 likes, ISBN 978-3-16-148410-0, 10.0.0.127", None, None),
        ("1914-1918, (1989-2018), 2023-10-01 12:30:00, 04.02.1978", None, None),
    ],
)
def test_two_levels(text, receiver, communicator):
    assert scrub(text) == (receiver or text)
    assert scrub_own(text) == (communicator or text)
