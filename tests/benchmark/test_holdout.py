"""One holdout: what belongs together stays together, in every split something of each kind, nothing near a test."""

from __future__ import annotations

from datetime import datetime, timedelta

import duckdb
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.folds import BadFold, Fold
from benchmark.group_splits import split_groups
from benchmark.holdout import Holdout, hold_out
from corpus.filters.minhash import similarities
from corpus.schema import TABLES

DAY = datetime(2020, 1, 1)
Rows = list[dict[str, object]]


def corpus_of(messages: Rows, speakers: Rows | None = None, effects: Rows | None = None) -> duckdb.DuckDBPyConnection:
    """A connection with the tables of a corpus; a message is a post on Twitter unless it says otherwise."""
    connection = duckdb.connect()
    kept = ("message", "communicator", "effect", "scene")
    for name in kept:
        connection.execute(f'CREATE TABLE "{name}" ({TABLES[name].ddl})')
    usual = {"channel": "twitter", "kind": "post"}
    tables = {
        "message": [{**usual, **row} for row in messages],
        "communicator": speakers or [],
        "effect": effects or [],
    }
    for name, rows in tables.items():
        if rows:
            connection.register("_rows", pl.DataFrame(rows, infer_schema_length=None).to_arrow())
            connection.execute(f'INSERT INTO "{name}" BY NAME FROM _rows')
            connection.unregister("_rows")
    return connection


def posts(count: int, accounts: int, first: int = 0, **columns: object) -> Rows:
    """Posts of distinct texts, a day each, from some accounts in turn."""
    return [
        {
            "message_id": f"twitter:{n}",
            "communicator_id": f"twitter:a{n % accounts}",
            "body": text_of(n),
            "published_at": DAY + timedelta(days=n),
            **columns,
        }
        for n in range(first, first + count)
    ]


def text_of(number: int) -> str:
    """A text unlike that of any other number."""
    return " ".join(f"{number * 7919 % 100_003:x}{place}" for place in range(12))


def split_of(held: Holdout) -> dict[str, str | None]:
    return dict(held.messages.select("message_id", "split").iter_rows())


names = st.one_of(st.none(), st.sampled_from("abcdefgh"))
messages = st.lists(st.tuples(names, names), min_size=1, max_size=40)
companies = st.dictionaries(st.sampled_from("abcdefgh"), names)


@settings(max_examples=60, deadline=None)
@given(messages, companies, st.integers(0, 3))
def test_what_shares_a_name_is_one_group_and_nothing_else_is(drawn, company_of, seed):
    rows = [
        {"message_id": f"m{n}", "communicator_id": account, "campaign": campaign, "body": text_of(n)}
        for n, (account, campaign) in enumerate(drawn)
    ]
    schema = dict.fromkeys(("message_id", "communicator_id", "campaign", "body"), pl.String)
    speakers = [{"communicator_id": account, "channel": "x", "company": name} for account, name in company_of.items()]
    connection = corpus_of([], [row for row in speakers if row["company"]])
    connection.register("_rows", pl.DataFrame(rows, schema=schema).to_arrow())
    connection.execute("INSERT INTO message BY NAME SELECT *, 'x' AS channel, 'post' AS kind FROM _rows")
    held = hold_out(connection, seed).messages
    assert held.height == len(rows)
    together: list[set[str]] = []  # names and messages, joined one after the other
    for row in rows:
        account, campaign = row["communicator_id"], row["campaign"]
        of_message = {row["message_id"], *([f"account {account}"] if account else [])}
        of_message |= {f"campaign {campaign}"} if campaign else set()
        of_message |= {f"company {company_of[account]}"} if account and company_of.get(account) else set()
        met = [group for group in together if group & of_message]
        together = [group for group in together if not group & of_message] + [of_message.union(*met)]
    by_hand = sorted(sorted(name for name in group if name.startswith("m")) for group in together)
    found = held.group_by("group").agg("message_id", splits=pl.col("group_split").n_unique())
    assert sorted(sorted(ids) for ids in found["message_id"]) == by_hand
    assert found["splits"].to_list() == [1] * len(by_hand)


def test_a_company_is_one_however_it_is_written_and_on_any_medium():
    speakers = [
        {"communicator_id": "twitter:a", "channel": "twitter", "company": "Acme"},
        {"communicator_id": "youtube:b", "channel": "youtube", "company": " ACME "},
    ]
    rows = [{"message_id": f"m{n}", "communicator_id": row["communicator_id"]} for n, row in enumerate(speakers)]
    assert hold_out(corpus_of(rows, speakers), 0).messages["group"].n_unique() == 1


def test_shares_are_those_of_the_groups_and_what_few_have_is_in_every_split():
    rows = posts(2_000, 1_000)
    curves = [{"message_id": f"twitter:{n}", "metric": "replay", "value": 0.5, "scene": 0} for n in range(7)]
    held = hold_out(corpus_of(rows, effects=curves), 0)
    counts = dict(held.groups()["split"].value_counts().iter_rows())
    assert counts == {"train": 700, "validation": 100, "test": 200} or abs(counts["test"] - 200) <= 1
    with_curve = held.messages.filter(pl.col("message_id").is_in([row["message_id"] for row in curves]))
    assert set(with_curve["split"]) == {"train", "validation", "test"}


@pytest.mark.parametrize("accounts", [1, 2])
def test_groups_too_few_to_split_are_all_for_training(accounts):
    assert set(split_of(hold_out(corpus_of(posts(40, accounts)), 0)).values()) == {"train"}


def test_the_seed_decides_and_the_order_of_the_rows_does_not():
    rows = posts(300, 60)
    first = split_of(hold_out(corpus_of(rows), 0))
    assert split_of(hold_out(corpus_of(rows[::-1]), 0)) == first
    assert split_of(hold_out(corpus_of(rows), 1)) != first


def test_what_a_task_by_time_tests_is_in_no_training():
    held = hold_out(corpus_of(posts(1_000, 50)), 0, {("twitter", "post")})
    parts = held.messages.filter(pl.col("group_split") == "train").with_columns(
        n=pl.col("message_id").str.split(":").list.last().cast(pl.Int64)
    )
    by_time = {part: parts.filter(pl.col("time_split") == part) for part in ("train", "validation", "test")}
    assert by_time["train"]["n"].max() < by_time["validation"]["n"].min()
    assert by_time["validation"]["n"].max() < by_time["test"]["n"].min()
    assert by_time["test"].height == pytest.approx(0.2 * parts.height, abs=1)
    assert by_time["validation"].height == pytest.approx(0.1 * parts.height, abs=1)
    assert set(by_time["train"]["split"]) == {"train"}
    assert by_time["test"]["split"].null_count() == by_time["test"].height
    others = held.messages.filter(pl.col("group_split") != "train")
    assert others["time_split"].null_count() == others.height and others["split"].null_count() == 0


def test_messages_without_a_time_and_of_other_kinds_are_in_no_split_by_time():
    timeless = posts(50, 10, first=500, published_at=None)
    seen = posts(60, 10, first=900, kind="video")
    rows = [*posts(100, 10), *timeless, *seen]
    held = hold_out(corpus_of(rows), 0, {("twitter", "post")}).messages
    beyond = held.filter(pl.col("message_id").str.split(":").list.last().cast(pl.Int64) >= 500)
    assert beyond["time_split"].null_count() == beyond.height == 110
    assert beyond["split"].null_count() == 0


@pytest.mark.parametrize("copied", [lambda text: text, lambda text: text.upper() + " !", lambda text: text + " more"])
def test_a_message_near_a_test_message_leaves_training(copied):
    rows = posts(200, 40)
    before = split_of(hold_out(corpus_of(rows), 0))
    tested = next(row for row in rows if before[row["message_id"]] == "test")
    learned = next(row for row in rows if before[row["message_id"]] == "train")
    learned["body"] = copied(tested["body"])
    held = hold_out(corpus_of(rows), 0)
    assert (held.near_duplicates, split_of(held)[learned["message_id"]]) == (1, None)
    assert {**split_of(held), learned["message_id"]: "train"} == before


def test_a_title_of_a_test_video_leaves_training_whatever_else_is_said():
    rows = [{**row, "title": f"video {text_of(n)}"} for n, row in enumerate(posts(200, 40, kind="video"))]
    before = split_of(hold_out(corpus_of(rows), 0))
    tested = next(row for row in rows if before[row["message_id"]] == "test")
    learned = next(row for row in rows if before[row["message_id"]] == "train")
    learned["title"] = f"  {tested['title'].upper()}!!"
    held = hold_out(corpus_of(rows), 0)
    assert (held.near_duplicates, split_of(held)[learned["message_id"]]) == (1, None)


def test_a_corpus_without_messages_has_an_empty_holdout():
    held = hold_out(corpus_of([]), 0, {("twitter", "post")})
    assert (held.messages.height, held.near_duplicates, held.later) == (0, 0, {})
    assert held.counts() == {"groups": {}, "near_duplicates_left_out": 0, "later": {}}


WRITTEN = ["Acme Corp", " ACME  CORP", "Acme\tCorp", "Acme Corp\n", "Ａｃｍｅ Corp", "Acme​ Corp"]


def accounts_of(companies: Rows) -> tuple[Rows, Rows]:
    """A post of each of some accounts."""
    speakers = [{"communicator_id": f"x:{n}", "channel": "x", **row} for n, row in enumerate(companies)]
    rows = [
        {"message_id": f"m{n}", "communicator_id": speaker["communicator_id"], "body": text_of(n)}
        for n, speaker in enumerate(speakers)
    ]
    return rows, speakers


def test_forms_of_a_name_are_one_company_and_an_account_without_one_goes_by_its_name():
    rows, speakers = accounts_of([*({"company": name} for name in WRITTEN), {"name": "acme corp"}])
    assert hold_out(corpus_of(rows, speakers), 0).messages["group"].n_unique() == 1
    rows, speakers = accounts_of(
        [{"company": "Straße"}, {"company": "STRASSE"}, {"company": "Cafe\u0301"}, {"company": "Café"}]
    )
    assert hold_out(corpus_of(rows, speakers), 0).messages["group"].n_unique() == 2


def test_empty_names_hold_nothing_together():
    rows, speakers = accounts_of(
        [{"company": " "}, {"company": ""}, {"company": "\u200b"}, {"company": None, "name": " "}]
    )
    for row, campaign in zip(rows, ["", " ", "\t", None], strict=True):
        row["campaign"] = campaign
    assert hold_out(corpus_of(rows, speakers), 0).messages["group"].n_unique() == 4


def test_curves_are_tested_also_where_each_of_few_has_a_rarer_channel_too():
    rows, curves = posts(600, 200), []
    for n, channel in enumerate(("tiktok", "tiktok", "vimeo", "vimeo", "facebook", "facebook", "email", "email")):
        rows.append(
            {
                "message_id": f"other{n}",
                "communicator_id": f"twitter:a{n}",
                "channel": channel,
                "body": text_of(9_000 + n),
            }
        )
        curves.append({"message_id": f"twitter:{n}", "metric": "replay", "value": 0.5, "scene": 0})
    held = hold_out(corpus_of(rows, effects=curves), 0).messages
    with_curve = held.filter(pl.col("message_id").is_in([row["message_id"] for row in curves]))
    assert set(with_curve["split"]) == {"train", "validation", "test"}


@pytest.mark.parametrize(("early", "is_cut"), [(0, False), (250, False), (700, True)])
def test_times_too_coarse_for_a_cut_leave_all_training_to_the_others(early, is_cut):
    rows = posts(1_000, 100)
    for n, row in enumerate(rows):
        row["published_at"] = DAY if n < early else DAY + timedelta(days=365)
    held = hold_out(corpus_of(rows), 0, {("twitter", "post")})
    parts = held.messages.filter(pl.col("group_split") == "train")
    assert parts["split"].null_count() == (300 * 7 // 10 if is_cut else 0)
    assert bool(held.later["twitter", "post"]) == is_cut
    if not is_cut:
        assert parts["time_split"].null_count() == parts.height


@pytest.mark.parametrize(
    ("tested", "learned", "leaves"),
    [
        ("Full width", "Ｆｕｌｌ ｗｉｄｔｈ", True),
        ("a long way", "a l\u200bong way", True),
        ("Straße nach Oslo", "STRASSE NACH OSLO", True),
        ("🔥🔥🔥", "🔥🔥🔥", True),
        ("कि", "की", False),
    ],
)
def test_titles_are_compared_without_their_form_and_with_all_their_letters(tested, learned, leaves):
    rows = [{**row, "title": f"video {text_of(n)}"} for n, row in enumerate(posts(200, 40, kind="video"))]
    before = split_of(hold_out(corpus_of(rows), 0))
    next(row for row in rows if before[row["message_id"]] == "test")["title"] = tested
    other = next(row for row in rows if before[row["message_id"]] == "train")
    other["title"] = learned
    assert (split_of(hold_out(corpus_of(rows), 0))[other["message_id"]] is None) == leaves


def test_a_text_of_a_test_post_in_a_video_leaves_training_too():
    rows = [*posts(200, 40), *posts(100, 40, first=1_000, kind="video")]
    before = split_of(hold_out(corpus_of(rows), 0))
    tested = next(row for row in rows[:200] if before[row["message_id"]] == "test")
    learned = next(row for row in rows[200:] if before[row["message_id"]] == "train")
    learned["body"] = tested["body"]
    assert split_of(hold_out(corpus_of(rows), 0))[learned["message_id"]] is None


def test_texts_of_one_template_leave_training_where_any_of_many_tests_is_near():
    """A hundred test posts share every band with all others; only some are truly near each."""
    rng = np.random.default_rng(0)
    words = ["".join(rng.choice(list("abcdefghijklmnop"), 6)) for _ in range(400)]
    base = (
        "the weather service reports for your town today: conditions are stable, winds are light, no warnings in place "
    )
    rows = posts(600, 60)
    for row in rows:
        row["body"] = base + " ".join(rng.choice(words, 3))
    held = hold_out(corpus_of(rows), 0).messages.join(pl.DataFrame(rows).select("message_id", "body"), on="message_id")
    tested = held.filter(pl.col("split") == "test")["body"].to_list()
    left = held.filter(pl.col("split").is_in(["train", "validation"]))["body"].to_list()
    assert len(tested) == 120 and len(left) > 30
    most = [similarities([text] * len(tested), tested, "character", 5).max() for text in left]
    assert max(most) < 0.8


facts = st.dictionaries(st.text("abcdefgh", min_size=1, max_size=3), st.sampled_from("PQRS"), min_size=1, max_size=60)


@given(facts, st.integers(2, 7), st.integers(0, 3))
def test_over_all_folds_every_group_is_tested_once_and_only_once(fact_of, folds, seed):
    frame = pl.DataFrame({"group": list(fact_of), "fact": list(fact_of.values())})
    benches = [dict(split_groups(frame, seed, Fold(k, folds)).iter_rows()) for k in range(folds)]
    assert all(set(bench) == set(fact_of) for bench in benches)
    tested = [group for bench in benches for group, split in bench.items() if split == "test"]
    assert sorted(tested) == sorted(fact_of)
    for bench in benches:
        for fact in set(fact_of.values()):
            parts = [split for group, split in bench.items() if fact_of[group] == fact]
            tests, validations, trains = (parts.count(name) for name in ("test", "validation", "train"))
            assert abs(tests - len(parts) / folds) < 1
            assert validations <= max(1, round(0.1 * len(parts)))
            assert trains >= 1 or tests == len(parts)
            if tests < len(parts) - 1 and len(parts) >= 3:
                assert validations >= 1


def test_folds_are_of_the_seed_and_the_shares_are_those_asked_for():
    frame = pl.DataFrame({"group": [f"g{n}" for n in range(1_000)], "fact": ["a", "b"] * 500})
    first = split_groups(frame, 0, Fold(0, 5))
    counts = dict(first["split"].value_counts().iter_rows())
    assert counts == {"test": 200, "validation": 100, "train": 700}
    assert split_groups(frame[::-1], 0, Fold(0, 5)).equals(first)
    assert not split_groups(frame, 1, Fold(0, 5)).equals(first)


def test_a_cut_by_time_is_the_same_time_in_each_fold():
    rows = posts(1_000, 50)
    folds = [hold_out(corpus_of(rows), 0, {("twitter", "post")}, Fold(k, 4)) for k in range(4)]
    assert len({str(held.later) for held in folds}) == 1
    cut = folds[0].later["twitter", "post"]["test"]
    assert cut == DAY + timedelta(days=800)
    for held in folds:
        late = held.messages.filter(pl.col("time_split") == "test")
        assert set(late["group_split"]) == {"train"} and late["split"].null_count() == late.height > 0


@pytest.mark.parametrize("text", ["5/5", "-1/3", "a/b", "1/1", "0/0", "1", "", "1/2/3", "0.5/2", "1/٣"])
def test_a_bad_fold_is_named_and_mended(text):
    with pytest.raises(BadFold, match=r"0/5"):
        Fold.parse(text)


def test_a_fold_is_written_as_it_is_read():
    assert Fold.parse(" 2/5 ") == Fold(2, 5) and str(Fold(2, 5)) == "2/5"
