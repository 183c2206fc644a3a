"""Answers of one's own become a run: every shape that is documented, and every slip in one line."""

from __future__ import annotations

import json
import math
import os
import pickle
import shutil

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmark.answers.base import OTHER_COUNT
from benchmark.run import Run
from benchmark.score import score, scores_text
from benchmark.submit import submit
from corpus.errors import CbcError
from corpus.files.written_once import HoldsOther
from tests.benchmark.tiny_bench import noisy, truth_of, write_bench, write_values

VALUES, CHOICE, REPLAY, SPEECH = "like_view_ratio", "tweet_likes_brand", "replay_past", "speech_choice"


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """Every kind of answer; instance ids as a real bench has them, each of one task."""
    root = tmp_path_factory.mktemp("bench")
    write_bench(root, [VALUES, CHOICE, REPLAY, SPEECH])
    for path in root.glob("p*/*/*.parquet"):
        name = pl.format("{}:{}", pl.lit(path.parent.name), pl.col("instance_id"))
        pl.read_parquet(path).with_columns(instance_id=name).write_parquet(path)
    return type(write_bench(root / "unused", [VALUES])).open(root)


def questions(bench, task):
    return bench.public(task, "test").select("instance_id", "options")


def written(path, frame):
    """A frame in the format that the path's end names; lists in CSV as JSON."""
    lists = [name for name, kind in frame.schema.items() if isinstance(kind, pl.List)]
    if path.suffix == ".csv":
        as_json = [pl.Series(name, [json.dumps(v) for v in frame[name].to_list()]) for name in lists]
        frame.with_columns(as_json).write_csv(path)
    elif path.suffix == ".jsonl":
        frame.write_ndjson(path)
    else:
        frame.write_parquet(path)
    return path


def figures(run, bench):
    return {(row["task"], row["metric"]): (row["value"], row["unparsed"]) for row in score(run, bench.root)}


@pytest.mark.parametrize("ending", [".csv", ".parquet", ".jsonl"])
@pytest.mark.parametrize("column", ["answer", "values"])
def test_the_same_answers_score_the_same_in_every_shape(ending, column, bench, tmp_path):
    given = {task: noisy(bench, task, 0.4) for task in (VALUES, REPLAY, CHOICE)}
    if column == "answer":
        texts = [
            [f"it will be = {v[0]!r}" for v in given[VALUES]],
            ["\n".join(f"scene {i + 1} = {v!r}" for i, v in enumerate(values)) for values in given[REPLAY]],
            [("low", "high")[int(v[0])] for v in given[CHOICE]],
        ]
        frames = [
            questions(bench, task).select("instance_id", answer=pl.Series(text, dtype=pl.String))
            for task, text in zip((VALUES, REPLAY, CHOICE), texts, strict=True)
        ]
    else:
        frames = [
            questions(bench, task).select("instance_id", values=pl.Series(v, dtype=pl.List(pl.Float64)))
            for task, v in given.items()
        ]
    file = written(tmp_path / f"a{ending}", pl.concat(frames).sample(fraction=1, shuffle=True, seed=1))
    said = submit(file, "mine", bench.root, tmp_path / "run")
    assert f"{tmp_path / 'run'}: run mine" in said and f"left out: {SPEECH}" in said
    expected = figures(write_values(tmp_path / "same", bench, "same", given), bench)
    found = figures(tmp_path / "run", bench)
    assert {key: value[1] for key, value in found.items()} == {key: value[1] for key, value in expected.items()}
    assert {key: value[0] for key, value in found.items()} == pytest.approx({k: v[0] for k, v in expected.items()})
    run = Run.open(tmp_path / "run", bench)
    assert (run.name, run.kind, run.manifest.partial) == ("mine", "submitted", False)


def test_scores_alone_choose_the_highest_and_are_kept(bench, tmp_path):
    truth = [int(v[0]) for v in truth_of(bench, SPEECH)]
    scores = [[float(i == right) for i in range(25)] for right in truth]
    file = written(tmp_path / "a.parquet", questions(bench, SPEECH).select("instance_id", scores=pl.Series(scores)))
    submit(file, "mine", bench.root, tmp_path / "run")
    assert figures(tmp_path / "run", bench) == {(SPEECH, "accuracy"): (100, 0)}
    assert Run.open(tmp_path / "run", bench).predictions(SPEECH)["scores"].to_list() == scores


@pytest.mark.parametrize("dtype", [pl.Int64, pl.Float64, pl.String])
def test_a_number_as_the_answer_to_a_choice_is_the_text_of_an_option(dtype, bench, tmp_path):
    """Options of speech are numbered from 1; as `values` they are counted from 0."""
    shown = pl.Series([v[0] + 1 for v in truth_of(bench, SPEECH)]).cast(pl.Int64).cast(dtype)
    file = written(tmp_path / "a.jsonl", questions(bench, SPEECH).select("instance_id", answer=shown))
    submit(file, "mine", bench.root, tmp_path / "run")
    assert figures(tmp_path / "run", bench) == {(SPEECH, "accuracy"): (100, 0)}


@pytest.mark.parametrize("partial", [False, True])
def test_missing_answers_count_as_unread_unless_the_run_is_partial(partial, bench, tmp_path):
    right = questions(bench, CHOICE).select("instance_id", values=pl.Series(truth_of(bench, CHOICE))).head(30)
    said = submit(written(tmp_path / "a.csv", right), "mine", bench.root, tmp_path / "run", partial)
    told = "not counted: a partial run" if partial else "count as unread; with --partial they are not counted"
    assert f"{CHOICE}: 30 of 40 questions answered, 10 missing ({told})" in said
    assert figures(tmp_path / "run", bench) == {(CHOICE, "accuracy"): (100, 0) if partial else (75, 10)}


def test_what_cannot_be_read_or_is_not_legal_is_told_and_counted(bench, tmp_path):
    answers = ["1.5", "no idea", "", "-3", "nan", "1 or 2"] + ["2"] * 34
    file = written(tmp_path / "a.csv", questions(bench, VALUES).select("instance_id", answer=pl.Series(answers)))
    said = submit(file, "mine", bench.root, tmp_path / "run")
    reasons = {"text without a number": 2, "no answer": 1, "outside 0 to 100": 1, OTHER_COUNT: 1}
    rows = score(tmp_path / "run", bench.root)
    assert all((row["unparsed"], row["unparsed_reasons"]) == (5, reasons) for row in rows)
    why = f"2 text without a number, 1 no answer, 1 outside 0 to 100, 1 {OTHER_COUNT}"
    assert f"{len(answers)} of 40 questions answered, 5 unread: {why} (first: {VALUES}:i0001)" in said
    assert scores_text(rows).endswith(f"\nunparsed in {VALUES}: {why}")
    assert Run.open(tmp_path / "run", bench).predictions(VALUES)["raw"][1] == "no idea"


def test_values_that_are_no_answers_are_counted_by_reason(bench, tmp_path):
    values = [[math.nan], [1.0, 2.0], None, [-1.0]] + [[2.0]] * 36
    numbers = questions(bench, VALUES).select("instance_id", values=pl.Series(values, dtype=pl.List(pl.Float64)))
    options = questions(bench, CHOICE).select("instance_id", values=pl.Series([[0.5]] + [[7.0]] * 39))
    said = submit(written(tmp_path / "a.jsonl", pl.concat([numbers, options])), "mine", bench.root, tmp_path / "run")
    assert f"4 unread: 1 not a number, 1 {OTHER_COUNT}, 1 no answer, 1 outside 0 to 100 (first: " in said
    assert "40 unread: 40 no index of an option (first: " in said
    texts = questions(bench, CHOICE).select("instance_id", answer=pl.lit("perhaps"))
    said = submit(written(tmp_path / "b.csv", texts), "mine", bench.root, tmp_path / "run2")
    assert "40 unread: 40 text that names no option (first: " in said
    missing = questions(bench, VALUES).select("instance_id", answer=pl.lit("2")).head(30)
    submit(written(tmp_path / "c.csv", missing), "mine", bench.root, tmp_path / "run3")
    assert score(tmp_path / "run3", bench.root)[0]["unparsed_reasons"] == {"no answer": 10}


def test_a_task_column_tells_instances_of_one_name_apart(tmp_path):
    bench = write_bench(tmp_path / "bench", [VALUES, "views"])
    answers = questions(bench, VALUES).select("instance_id", answer=pl.lit("2"))
    with pytest.raises(CbcError, match=r"i0000 stands in like_view_ratio, views; add a column task"):
        submit(written(tmp_path / "a.csv", answers), "mine", bench.root, tmp_path / "run")
    named = pl.concat([answers.with_columns(task=pl.lit(task)) for task in (VALUES, "views")])
    submit(written(tmp_path / "b.csv", named), "mine", bench.root, tmp_path / "run")
    assert Run.open(tmp_path / "run", bench).tasks == [VALUES, "views"]


def test_other_columns_are_ignored_and_named(bench, tmp_path):
    more = questions(bench, VALUES).select("instance_id", answer=pl.lit("2"), prompt=pl.lit("?"), cost=pl.lit(0.1))
    said = submit(written(tmp_path / "a.parquet", more), "mine", bench.root, tmp_path / "run")
    assert "ignored columns: prompt, cost" in said


def test_a_run_is_written_once(bench, tmp_path):
    one, other = (
        written(tmp_path / f"{text}.csv", questions(bench, VALUES).select("instance_id", answer=pl.lit(text)))
        for text in ("1", "2")
    )
    out = tmp_path / "run"
    submit(one, "mine", bench.root, out)
    before = (out / "predictions" / f"{VALUES}.parquet").read_bytes()
    assert "already there" in submit(one, "mine", bench.root, out)
    for again, told in (
        (lambda: submit(other, "mine", bench.root, out), "answers: "),
        (lambda: submit(one, "yours", bench.root, out), "run: mine there, yours asked"),
        (lambda: submit(one, "mine", bench.root, out, True), "partial: False there, True asked"),
    ):
        with pytest.raises(HoldsOther, match=told):
            again()
    with pytest.raises(CbcError, match="exists and is no run"):
        submit(one, "mine", bench.root, bench.root)
    assert (out / "predictions" / f"{VALUES}.parquet").read_bytes() == before


def test_it_needs_no_private_part(bench, tmp_path):
    public = shutil.copytree(bench.root, tmp_path / "bench", ignore=shutil.ignore_patterns("private"))
    file = written(tmp_path / "a.csv", questions(bench, VALUES).select("instance_id", answer=pl.lit("1")))
    assert "40 of 40" in submit(file, "mine", public, tmp_path / "run")


GOOD = f'{{"instance_id": "{VALUES}:i0000", "answer": "1"}}\n'


def row(**fields):
    return json.dumps({"instance_id": f"{VALUES}:i0000", **fields}) + "\n"


def line(number):
    return f'{{"instance_id": "{VALUES}:i0000", "values": {number}}}\n'


SLIPS = {
    "absent.csv": (None, "no file of answers"),
    "a.pkl": (pickle.dumps([1]), "no file of a kind"),
    "a.xlsx": (b"PK", "no file of a kind"),
    "none": (b"", "no file of a kind"),
    "empty.csv": (b"", "holds no rows"),
    "empty.jsonl": (b"", "holds no rows"),
    "blank.jsonl": (b"\n \n", "holds no rows"),
    "empty.parquet": (b"", "holds no rows"),
    "header.csv": (b"instance_id,answer\n", "holds no rows"),
    "quote.csv": (b'instance_id,answer\na,"b"\nc,"d\ne,f\n', "a quote in the row of line 3 is not closed"),
    "quote1.csv": (b'instance_id,answer\n"a,b\nc,d\n', "a quote in the row of line 2 is not closed"),
    "inch.csv": (b'instance_id,answer\na,5\nb,6" wide\nc,7\n', "a quote in the row of line 3 is not closed"),
    "junk.parquet": (b"\x00\x01" * 999, "cannot be read"),
    "junk.csv": (bytes(range(256)) * 20, "holds NUL bytes"),
    "pickle.parquet": (pickle.dumps({"a": 1}), "cannot be read"),
    "latin.csv": ("instance_id,answer\nä,ö\n".encode("latin-1"), "invalid utf-8"),
    "latin.jsonl": ('{"instance_id": "ä"}\n'.encode("latin-1"), "cannot be read"),
    "utf16.csv": ("instance_id,answer\na,b\n".encode("utf-16"), "is text in UTF-16; save it as UTF-8"),
    "utf16.jsonl": ('{"instance_id": "a"}\n'.encode("utf-16"), "is text in UTF-16; save it as UTF-8"),
    "utf16le.jsonl": ('{"instance_id": "a"}\n'.encode("utf-16-le"), "holds NUL bytes"),
    "ragged.csv": (b"instance_id,answer\na,b,c,d\n", "cannot be read"),
    "nul.csv": (b"instance_id,answer\n\x00,\x00\n", "holds NUL bytes"),
    "torn.jsonl": (GOOD.encode()[:-4], "line 1 is no JSON"),
    "list.jsonl": (b"[1, 2]\n", "line 1 is no JSON object"),
    "deep.jsonl": (b'{"instance_id": "a", "answer": ' + b"[" * 100_000 + b"\n", "line 1 is no JSON"),
    "huge.jsonl": (line("9" * 10_000).encode(), "no JSON"),
    "column.csv": (b"id,answer\na,b\n", r"lacks the column instance_id \(it has id, answer\)"),
    "column.jsonl": (b'{"instance_id": "a"}\n', r"lacks the column answer \(or values\)"),
    "both.jsonl": (row(answer="1", values=[1.0]).encode(), "both answer and values"),
    "number.jsonl": (b'{"instance_id": 7, "answer": "1"}\n', "row 1: instance_id"),
    "null.jsonl": (b'{"instance_id": null, "answer": "1"}\n', "row 1: instance_id"),
    "object.jsonl": (row(answer={"a": 1}).encode(), "row 1: answer"),
    "text.jsonl": (row(values="many").encode(), "row 1: values"),
    "texts.jsonl": (row(values=["a"]).encode(), "row 1: values"),
    "bool.jsonl": (row(values=True).encode(), "row 1: values"),
    "long.jsonl": (row(values=[1.0] * 20_000).encode(), "row 1: values: more than"),
    "novel.jsonl": (row(answer="x" * 200_000).encode(), "row 1: answer: longer than"),
    "unknown.jsonl": (b'{"instance_id": "a\\u001b[31m\\n", "answer": "1"}\n', "1 of 1 rows name no test question"),
    "train.jsonl": (GOOD.replace("i0000", "x").encode(), "name no test question"),
    "twice.jsonl": ((GOOD + GOOD).encode(), r"answers like_view_ratio:i0000 twice \(rows 1 and 2\)"),
    "task.jsonl": (row(answer="1", task="smell").encode(), "of task smell"),
    "options.jsonl": (row(scores=[0.1, 0.2]).encode(), "no options to score"),
    "few.jsonl": (row(scores=[0.1]).replace(VALUES, CHOICE).encode(), "1 scores for 2 options"),
    "nan.jsonl": (row(scores=[0.1, math.nan]).replace(VALUES, CHOICE).encode(), "not finite"),
}


@pytest.mark.parametrize("name", SLIPS)
def test_a_slip_is_one_line_and_writes_nothing(name, bench, tmp_path):
    content, told = SLIPS[name]
    file = tmp_path / name
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(CbcError, match=told) as error:
        submit(file, "mine", bench.root, tmp_path / "run")
    assert error.value.mend and str(error.value).isprintable() and len(str(error.value)) < 600
    assert [path.name for path in tmp_path.iterdir()] == ([] if content is None else [name])


@pytest.mark.parametrize(
    "columns",
    [
        {"answer": pa.array([b"\xff\xfe"], pa.binary()).cast(pa.string(), safe=False)},
        {"answer": pa.array([1], pa.timestamp("us"))},
        {"answer": pa.array([b"1"], pa.binary())},
        {"values": pa.array([{"a": 1.0}])},
        {"values": pa.array([[[1.0]]])},
        {"values": pa.array([["1", "x"]])},
        {"values": pa.array([[1.0] * 300_000_0])},
    ],
    ids=["not utf-8", "times", "bytes", "records", "lists of lists", "texts", "endless"],
)
def test_columns_of_other_types_are_refused(columns, bench, tmp_path):
    pq.write_table(pa.table({"instance_id": [f"{VALUES}:i0000"], **columns}), tmp_path / "a.parquet")
    with pytest.raises(CbcError) as error:
        submit(tmp_path / "a.parquet", "mine", bench.root, tmp_path / "run")
    assert str(error.value).isprintable() and not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "name", ["a\nb", "a\x1b[2J", "", " a", "../up", "/etc/x", ".hidden", "a" * 101, "a\\b", "\ud800"]
)
def test_a_name_that_is_none_is_refused(name, bench, tmp_path):
    file = written(tmp_path / "a.csv", questions(bench, VALUES).select("instance_id", answer=pl.lit("1")))
    with pytest.raises(CbcError) as error:
        submit(file, name, bench.root, tmp_path / "run")
    assert str(error.value).isprintable() and not (tmp_path / "run").exists()


def test_a_folder_and_a_pipe_are_no_files_of_answers(bench, tmp_path):
    (tmp_path / "a.csv").mkdir()
    os.mkfifo(tmp_path / "b.csv")
    for name in ("a.csv", "b.csv"):
        with pytest.raises(CbcError, match="no file of answers"):
            submit(tmp_path / name, "mine", bench.root, tmp_path / "run")


def test_the_command_makes_the_run_in_a_folder_of_its_name(cbc, bench, tmp_path):
    file = written(tmp_path / "a.csv", questions(bench, VALUES).select("instance_id", answer=pl.lit("1")))
    done = cbc("benchmark", "submit", file, "--name", "mine", "--bench", bench.root, "--out", tmp_path / "run")
    assert (done.returncode, done.stderr) == (0, "") and "40 of 40" in done.stdout
    next_line = f"next: cbc benchmark score {tmp_path / 'run'} --bench {bench.root}"
    assert done.stdout.splitlines()[-1] == next_line and done.stdout.count("next: ") == 1
    wrong = cbc("benchmark", "submit", file, "--name", "not a folder", "--bench", bench.root)
    assert (wrong.returncode, wrong.stdout) == (2, "") and "--out RUN" in wrong.stderr
    assert wrong.stderr.startswith("error: ") and wrong.stderr.count("\n") == 1
