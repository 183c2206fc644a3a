"""Tone of messages: keywords as RAKE's matrix has them, emotion words that nothing takes back, and English alone."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("vaderSentiment")

from corpus.annotate import tone
from corpus.annotate.choose import choose_annotators
from corpus.annotate.sentiment import LABELS, Lexicon
from corpus.annotate.tone import (
    EMOTION_WORDS,
    LONGEST,
    WORD,
    Tone,
    find_emotions,
    phrases_of,
    rank_phrases,
    read_emotions,
)
from tests.corpus.sources.mapped import POSTS, rows, run

GERMAN = "Die besten Schuhe für den Frühling, jetzt in allen Geschäften"
LEXICON = Lexicon()
EMOTIONS = read_emotions(EMOTION_WORDS)


def posts(tmp_path, *titles: str, **mapping):
    """A corpus of posts with these titles."""
    lines = "".join(f'{number},"{title}",2024-01-01,5,en\n' for number, title in enumerate(titles))
    (tmp_path / "posts.csv").write_text("id,title,day,views,language\n" + lines, encoding="utf-8")
    return run(tmp_path, {**POSTS, **mapping}, tmp_path / "posts.csv")[1]


def of_titles(corpus, columns: str) -> list[tuple]:
    (label,) = [path.name for path in (corpus / "annotations").glob("tone@1-*")]
    return rows(corpus, f'SELECT {columns} FROM "{label}" ORDER BY message_id')


def test_the_command_annotates_posts_in_english_and_leaves_others_null(tmp_path, cbc_here):
    corpus = posts(
        tmp_path, "I love these running shoes, what a joy to wear", GERMAN, "This is awful, I hate it so much"
    )
    done = cbc_here("corpus", "annotate", "--with", "tone", "--corpus", corpus)
    assert done.returncode == 0 and "3 messages read, 2 rows written" in done.stdout
    told = of_titles(corpus, "sentiment, score > 0, keywords, emotions, emotion_words")
    assert told == [
        ("positive", True, ["running shoes", "love", "joy", "wear"], ["joy"], ["joy"]),
        (None, None, None, None, None),
        ("negative", False, ["awful", "hate"], ["anger"], ["hate"]),
    ]
    again = cbc_here("corpus", "annotate", "--with", "tone", "--corpus", corpus)
    assert "0 messages read, 0 rows written" in again.stdout


def test_a_stated_language_other_than_english_is_believed_and_a_stated_english_is_checked(tmp_path):
    english = "We are happy to show you the new shoes today"
    assert LEXICON.is_english(english) and LEXICON.is_english(english, "en-GB")
    assert not LEXICON.is_english(english, "de") and not LEXICON.is_english(GERMAN, "en")
    assert LEXICON.is_english("Nice", "en") and not LEXICON.is_english("Nice")


def test_the_label_follows_settings_and_words(monkeypatch, tmp_path):
    (usual,), (fewer,) = (choose_annotators("tone", settings)[0] for settings in ((), ("tone.most_keywords=2",)))
    assert usual.label.startswith("tone@1-") and len({usual.label, fewer.label}) == 2
    other = tmp_path / "words.yaml"
    other.write_text("joy: happy\n")
    monkeypatch.setattr(tone, "EMOTION_WORDS", other)
    assert Tone().label != usual.label


def test_wrong_settings_and_missing_packages_are_one_line(tmp_path, monkeypatch, cbc_here):
    corpus = posts(tmp_path, "shoes")
    for wrong in ("tone.most_keywords=0", "tone.keywords=3"):
        done = cbc_here("corpus", "annotate", "--with", "tone", "--set", wrong, "--corpus", corpus)
        assert done.returncode == 2 and len(done.stderr.strip().splitlines()) == 1
        assert "settings of tone: most_keywords, longest_keyword" in done.stderr
    monkeypatch.setattr("corpus.media_packages.find_spec", lambda name: None)
    done = cbc_here("corpus", "annotate", "--with", "tone", "--corpus", corpus)
    assert done.returncode == 2 and "(vaderSentiment); install the extra tone" in done.stderr


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("What a happy, happy day", ["happy", "happy"]),
        ("I am not happy", []),
        ("Not today! Happy to help", ["happy"]),
        ("I don’t trust them; I fear them", ["fear"]),
        ("unhappy people", ["unhappy"]),
        ("", []),
    ],
)
def test_emotion_words_that_nothing_takes_back(text, words):
    assert find_emotions(text, EMOTIONS) == words


def test_each_emotion_word_can_be_read_and_has_one_emotion():
    listed = [word for line in EMOTION_WORDS.read_text().splitlines() if line.startswith(" ") for word in line.split()]
    assert len(listed) == len(set(listed)) == len(EMOTIONS) and len(set(EMOTIONS.values())) == 8
    assert all(WORD.fullmatch(word) and word == word.lower() for word in EMOTIONS)


def test_phrases_end_at_stop_words_marks_and_their_length():
    stop_words = frozenset({"the", "and", "it", "do", "don"})
    text = "The big RED shoes, and Nike's new air max pegasus\nit's here don't go"
    assert phrases_of(text, stop_words, 3) == [
        *[("big", "red", "shoes"), ("nike", "new", "air"), ("max", "pegasus"), ("here",), ("go",)]
    ]


WORDS = st.sampled_from(["shoe", "run", "sale", "red", "new"])


@given(st.lists(st.lists(WORDS, min_size=1, max_size=4).map(tuple), max_size=12))
def test_the_order_is_that_of_rake_s_matrix_of_words_that_occur_together(phrases):
    words = sorted({word for phrase in phrases for word in phrase})
    together = np.zeros((len(words), len(words)))
    for phrase in phrases:
        for one in phrase:
            for other in phrase:
                together[words.index(one), words.index(other)] += 1
    frequency = [sum(phrase.count(word) for phrase in phrases) for word in words]
    of_word = dict(zip(words, together.sum(1) / np.maximum(frequency, 1), strict=True))
    scores = {" ".join(phrase): sum(of_word[word] for word in phrase) for phrase in phrases}
    ranked = rank_phrases(phrases)
    assert set(ranked) == set(scores) and len(ranked) == len(scores)
    assert [scores[phrase] for phrase in ranked] == pytest.approx(sorted(scores.values(), reverse=True))


@given(st.text(max_size=300), st.sampled_from([None, "en", "de"]))
def test_any_text_can_be_read(text, language):
    for row in Tone().annotate([{"message_id": "m", "text": text, "language": language}]):
        assert row.get("sentiment") in (*LABELS, None) and -1 <= row.get("score", 0) <= 1
        assert len(row["keywords"]) <= 8 and all(len(phrase.split()) <= 3 for phrase in row["keywords"])
        assert language != "de"


@pytest.mark.parametrize("piece", ["but ", "😍", "good\u200b", "not ", "https://", "a'", "((((", "\n", "good " * 3])
def test_a_hostile_text_is_cut_before_it_is_read(piece):
    started = time.process_time()
    text = piece * 1_000_000
    LEXICON.sentiment(text, "en")
    list(Tone().annotate([{"message_id": "m", "text": text, "language": "en"}]))
    assert time.process_time() - started < 20 and len(text) > LONGEST
