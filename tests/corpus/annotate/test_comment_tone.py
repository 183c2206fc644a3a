"""Sentiment of comments: behind the source's own, null where not English, learnt where labels are given, and gone with
the comment.
"""

from __future__ import annotations

import json
from importlib.util import find_spec

import duckdb
import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

pytest.importorskip("vaderSentiment")

from corpus.annotate import comment_tone, learned_sentiment, minilm
from corpus.annotate.choose import choose_annotators
from corpus.annotate.comment_tone import CommentTone
from corpus.annotate.learned_sentiment import BadLabels, fit, read_labels, read_manifest
from corpus.annotate.minilm import PACKAGE, MiniLM, NoMiniLM, minilm_folder, write_minilm
from corpus.annotate.run import BadAnnotator, annotate
from corpus.annotate.sentiment import LABELS, Lexicon
from corpus.files.sql import quote
from corpus.ingest.run import ingest
from corpus.inspect.validate import validate
from corpus.sources.registry import source_named
from corpus.takedown.forget import forget
from corpus.takedown.takedown import takedown
from corpus.verbalize.verbalize import verbalize
from tests.corpus.annotate.test_annotate import Heard
from tests.corpus.sources.infos import EPOCH, comment, video, write
from tests.corpus.sources.mapped import rows

SAID = {
    "c1": "I love this so much, what a great video",
    "c2": "This is terrible, the worst thing I have seen",
    "c3": "He opens the box and puts it on the table",
    "c4": "Die Schuhe sind wirklich sehr gut geworden, danke",
    "c5": "😍😍",
    "c6": "12:34",
}
RIGHT = {"c1": "positive", "c2": "negative", "c3": "neutral", "c4": None, "c5": "positive", "c6": None}
LEXICON = Lexicon()


@pytest.fixture(autouse=True)
def with_key(monkeypatch):
    monkeypatch.setenv("CBC_HASH_KEY", "salt")


def built(tmp_path, said=SAID, into="corpus", **more):
    remarks = [comment(number, id=name, text=text) for number, (name, text) in enumerate(said.items())]
    write(tmp_path / "videos", video(comments=remarks, **more), name=f"video {len(said)}")
    ingest(source_named("ytdlp"), [tmp_path / "videos"], tmp_path / into, "text")
    return tmp_path / into


def shown(corpus) -> dict[str, str | None]:
    return dict(rows(corpus, "SELECT comment_id, sentiment FROM comment ORDER BY 1"))


def label_of(corpus) -> str:
    (label,) = [path.name for path in (corpus / "annotations").glob("comment_tone@1-*")]
    return label


def test_the_command_fills_the_view_of_comments_and_their_aggregate(tmp_path, cbc_here):
    corpus = built(tmp_path)
    assert set(shown(corpus).values()) == {None}
    done = cbc_here("corpus", "annotate", "--with", "comment_tone", "--corpus", corpus)
    label = label_of(corpus)
    assert done.stdout.splitlines() == [
        f"{label}: 6 comments read, 4 rows written",
        *["  negative: 1", "  neutral: 1", "  positive: 2", "  not known to be english: 2"],
    ]
    assert shown(corpus) == RIGHT
    origins = rows(corpus, "SELECT DISTINCT sentiment_from FROM comment ORDER BY 1")
    assert origins == [(label,), (None,)]
    ((counted,),) = rows(corpus, "SELECT sentiments FROM comment_aggregate")
    assert counted == {"negative": 1, "neutral": 1, "positive": 2}
    assert rows(corpus, "SELECT DISTINCT sentiment FROM comment_source") == [(None,)]
    assert not validate(corpus)
    again = cbc_here("corpus", "annotate", "--with", "comment_tone", "--corpus", corpus, "--json")
    figures = json.loads(again.stdout)
    assert figures["messages"] == 0 and figures["figures"]["positive"] == 2


def test_without_the_annotation_texts_stay_and_with_it_they_say_the_sentiment(tmp_path):
    corpus = built(tmp_path)

    def text_of_first() -> str:
        verbalize(corpus, tmp_path / "texts.parquet")
        texts = pl.read_parquet(tmp_path / "texts.parquet").filter(pl.col("comment_id") == "c1")
        return str(texts["text"].item())

    before = text_of_first()
    assert "sentiment" not in before
    annotate(corpus, CommentTone())
    assert text_of_first() == f"{before}\nsentiment: positive"


def test_comments_that_come_later_are_read_then_and_no_other(tmp_path):
    corpus = built(tmp_path, {"c1": SAID["c1"]})
    assert annotate(corpus, CommentTone()).messages == 1
    built(tmp_path, SAID, epoch=EPOCH + 1_000_000)
    assert annotate(corpus, CommentTone()).messages == 5
    assert shown(corpus) == RIGHT and not validate(corpus)


def test_what_the_source_says_goes_first_and_the_agreement_with_it_is_reported(tmp_path):
    corpus = built(tmp_path)
    (path,) = corpus.glob("tables/*/comment.parquet")
    labelled = path.with_name("labelled.parquet")
    given_by_source = "CASE comment_id WHEN 'c1' THEN 'negative' WHEN 'c2' THEN 'negative' WHEN 'c4' THEN 'good' END"
    rows_sql = f"SELECT * REPLACE ({given_by_source} AS sentiment) FROM read_parquet({quote(path)})"
    duckdb.sql(f"COPY ({rows_sql}) TO {quote(labelled)} (FORMAT parquet)")
    labelled.replace(path)
    figures = annotate(corpus, CommentTone()).figures
    assert (figures["compared_with_source"], figures["agree_with_source"]) == (2, 0.5)
    assert shown(corpus) == {**RIGHT, "c1": "negative", "c4": "good"}
    origins = dict(rows(corpus, "SELECT comment_id, sentiment_from FROM comment"))
    assert origins["c1"] == "source" and origins["c3"] == label_of(corpus)


def test_comments_without_words_are_not_read(tmp_path):
    write(tmp_path / "videos", video(), name="video")
    ingest(source_named("ytdlp"), [tmp_path / "videos"], tmp_path / "corpus")
    done = annotate(tmp_path / "corpus", CommentTone())
    assert (done.messages, done.rows, done.figures) == (0, 0, {})


def test_a_comment_taken_down_leaves_the_annotation_too(tmp_path):
    corpus = built(tmp_path)
    annotate(corpus, CommentTone())
    takedown(corpus, ["c1"])
    assert rows(corpus, f'SELECT comment_id FROM "{label_of(corpus)}" ORDER BY 1') == [(f"c{n}",) for n in range(2, 7)]
    assert shown(corpus) == {name: sentiment for name, sentiment in RIGHT.items() if name != "c1"}
    assert not validate(corpus)
    takedown(corpus, ["aaaaaaaaaaa"])
    assert not list(corpus.glob("annotations/comment_tone@1-*/*.parquet"))


def test_an_ingest_that_brought_comments_can_be_forgotten(tmp_path):
    corpus = built(tmp_path, {"c1": SAID["c1"]})
    write(tmp_path / "more", video(comments=[comment(2, text=SAID["c2"])], epoch=EPOCH + 1_000_000), name="later")
    later = ingest(source_named("ytdlp"), [tmp_path / "more"], corpus, "text").ingest
    annotate(corpus, CommentTone())
    forget(corpus, later)
    assert rows(corpus, f'SELECT comment_id FROM "{label_of(corpus)}"') == [("c1",)]
    assert not validate(corpus)


def test_validate_names_rows_of_comments_that_are_not_there_and_those_that_stand_twice(tmp_path):
    corpus = built(tmp_path)
    annotate(corpus, CommentTone())
    (part,) = corpus.glob("annotations/comment_tone@1-*/*.parquet")
    held = pl.read_parquet(part)
    stranger = held.head(1).with_columns(comment_id=pl.lit("nobody"))
    pl.concat([held, held.head(1), stranger]).write_parquet(part)
    rules = {rule: count for (_, rule), count in validate(corpus).counts.items()}
    assert rules == {"no such comment": 1, "more than one row of this key": 1}


def test_who_annotates_messages_cannot_fill_comments_and_the_reverse(tmp_path):
    class OfMessages(Heard):
        columns = {"sentiment": Heard.columns["speech"]}
        fills = ("comment.sentiment",)

    class OfComments(CommentTone):
        fills = ("message.language",)
        columns = {"language": Heard.columns["speech"]}

    for wrong in (OfMessages(), OfComments()):
        with pytest.raises(BadAnnotator, match="fills"):
            annotate(built(tmp_path), wrong)


@given(st.text(max_size=200))
def test_the_lexicon_reads_any_text(text):
    read = LEXICON.sentiment(text)
    if read is not None:
        sentiment, score = read
        assert -1 <= score <= 1
        assert sentiment == LABELS[1 + (score >= 0.05) - (score <= -0.05)]


GOOD, BAD, PLAIN = "this is great and lovely", "this is awful and terrible", "this is about the table"
OF_LABEL = {"positive": GOOD, "negative": BAD, "neutral": PLAIN}


def labelled(path, each=30, **more):
    """A file of labelled texts."""
    texts = [(f"{text}, row {number}", label) for label, text in OF_LABEL.items() for number in range(each)]
    frame = pl.DataFrame([*texts, *more.get("rows", ())], schema=["text", "sentiment"], orient="row")
    frame = frame.rename(more.get("rename", {}))
    frame.write_parquet(path) if path.suffix == ".parquet" else frame.write_csv(path)
    return path


@pytest.fixture(scope="module")
def tiny_bert(tmp_path_factory):
    """A sentence transformer of random weights with a token a word."""
    torch = pytest.importorskip("torch")
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("bert") / "tiny"
    words = sorted({word.strip(",") for text in (*OF_LABEL.values(), *SAID.values()) for word in text.split()})
    of_words = Tokenizer(models.WordLevel({w: n for n, w in enumerate(["[PAD]", "[UNK]", *words])}, unk_token="[UNK]"))
    of_words.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=of_words, pad_token="[PAD]", unk_token="[UNK]").save_pretrained(folder)
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    BertModel(BertConfig(vocab_size=len(words) + 2, initializer_range=0.5, **sizes)).save_pretrained(folder)
    return folder


def learner(labels, model) -> CommentTone:
    settings = [f"comment_tone.labels={labels}", f"comment_tone.model={model}"]
    (annotator,) = choose_annotators("comment_tone", settings)[0]
    assert isinstance(annotator, CommentTone)
    return annotator


@pytest.mark.parametrize("name", ["labels.csv", "labels.parquet"])
def test_labels_of_a_file_are_learnt_and_the_agreement_is_reported(tmp_path, tiny_bert, name):
    corpus = built(tmp_path)
    done = annotate(corpus, learner(labelled(tmp_path / name), tiny_bert))
    label = label_of(corpus)
    told = rows(corpus, f'SELECT sentiment, lexicon, score FROM "{label}" WHERE sentiment IS NOT NULL')
    assert done.rows == len(told) == done.figures["compared_with_lexicon"] == 4
    assert all(1 / 3 < score <= 1 for _, _, score in told)
    assert done.figures["agree_with_lexicon"] == pytest.approx(np.mean([one == other for one, other, _ in told]))
    held_out = {name.removeprefix("held_out_"): v for name, v in done.figures.items() if name.startswith("held_out_")}
    manifest = json.loads((corpus / "annotations" / label / "manifest.json").read_text())
    assert manifest["held_out"] == held_out and held_out["texts"] == 90
    assert held_out["accuracy"] > 0.9 and held_out["lexicon_accuracy"] == 1.0
    assert rows(corpus, "SELECT count(*) FROM comment WHERE sentiment_from = '" + label + "'") == [(4,)]
    assert GOOD not in json.dumps(manifest) and not validate(corpus)


def test_a_second_run_uses_what_was_learnt(tmp_path, tiny_bert, monkeypatch):
    labels = labelled(tmp_path / "labels.csv")
    corpus = built(tmp_path, {"c1": SAID["c1"]})
    annotate(corpus, learner(labels, tiny_bert))
    built(tmp_path, SAID, epoch=EPOCH + 1_000_000)
    monkeypatch.setattr(comment_tone, "learn", lambda *_: pytest.fail("it learns again"))
    assert annotate(corpus, learner(labels, tiny_bert)).messages == 5
    whole = built(tmp_path / "whole")
    monkeypatch.undo()
    monkeypatch.setenv("CBC_HASH_KEY", "salt")
    annotate(whole, learner(labels, tiny_bert))
    assert shown(corpus) == shown(whole)


def test_the_label_follows_labels_model_and_settings(tmp_path, tiny_bert):
    labels = labelled(tmp_path / "labels.csv")
    by_lexicon, learnt = CommentTone().label, learner(labels, tiny_bert).label
    labelled(labels, each=31)
    relabelled = learner(labels, tiny_bert).label
    fewer = CommentTone({"most_labels": 200}).label
    assert len({by_lexicon, learnt, relabelled, fewer}) == 4
    assert CommentTone().label == by_lexicon and by_lexicon.startswith("comment_tone@1-")


def test_labels_that_cannot_be_used_are_one_line(tmp_path, tiny_bert, cbc_here):
    corpus = built(tmp_path)
    wrong = {
        "too few": labelled(tmp_path / "few.csv", each=5),
        "cannot be read": labelled(tmp_path / "named.csv", rename={"text": "Comment"}),
        "has the sentiment": labelled(tmp_path / "word.csv", rows=[("some text", "great\n\x1b[31m")]),
        "there is no": tmp_path / "absent.csv",
    }
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 no parquet")
    for why, path in [*wrong.items(), ("cannot be read", tmp_path / "broken.parquet")]:
        setting = [f"--set=comment_tone.labels={path}", f"--set=comment_tone.model={tiny_bert}"]
        done = cbc_here("corpus", "annotate", "--with", "comment_tone", *setting, "--corpus", corpus)
        assert done.returncode == 2 and why in done.stderr and len(done.stderr.strip().splitlines()) == 1
        assert "\x1b" not in done.stderr
    assert not list(corpus.glob("annotations/comment_tone@*/*.parquet"))


def test_texts_are_learnt_from_once_and_never_with_two_labels(tmp_path):
    double = [(f"{GOOD}, row 1", "negative"), (f"{GOOD}, row 2", "positive"), (None, "positive"), ("x", None)]
    path = labelled(tmp_path / "labels.csv", rows=double)
    read = read_labels(path, 1_000)
    assert len(read) == 89 and f"{GOOD}, row 1" not in read["text"].to_list()
    assert read_labels(path, 80).equals(read_labels(path, 80)) and len(read_labels(path, 80)) == 80
    with pytest.raises(BadLabels, match="too few"):
        read_labels(path, 20)


@pytest.mark.parametrize("labels", [LABELS, LABELS[::2]])
def test_the_regression_predicts_as_scikit_learn_does(labels):
    random = np.random.default_rng(0)
    embeddings = random.normal(size=(90, 8)).astype(np.float32)
    of_texts = [labels[number % len(labels)] for number in range(90)]
    of_lexicon = [labels[random.integers(len(labels))] for _ in range(90)]
    regression, held_out = fit(embeddings, of_texts, of_lexicon)
    reference = LogisticRegression(**learned_sentiment.REGRESSION).fit(embeddings, of_texts)
    predicted = regression.predict(embeddings)
    assert [label for label, _ in predicted] == reference.predict(embeddings).tolist()
    assert [share for _, share in predicted] == pytest.approx(reference.predict_proba(embeddings).max(1), abs=1e-6)
    assert held_out.lexicon_accuracy == pytest.approx(np.mean(np.array(of_texts) == of_lexicon), abs=1e-4)


def test_a_manifest_of_something_else_is_not_used(tmp_path):
    assert read_manifest(tmp_path) is None
    for content in ("", "[]", "{}", '{"format": "cbc-learned-sentiment", "version": 1, "regression": 3}'):
        (tmp_path / "manifest.json").write_text(content)
        assert read_manifest(tmp_path) is None


def test_embeddings_do_not_depend_on_what_else_is_read(tiny_bert):
    model = MiniLM(str(tiny_bert))
    texts = [GOOD, f"{BAD} {PLAIN} {BAD}", "", "table"]
    together, alone = model.embed(texts), np.concatenate([model.embed([text]) for text in texts[:2]])
    assert together[:2] == pytest.approx(alone, abs=1e-5)
    assert np.linalg.norm(together[:2], axis=1) == pytest.approx(1, abs=1e-5)
    assert np.isfinite(together).all() and model.embed([]).shape == (0, 16)


def test_missing_weights_are_named_before_anything_is_read(tmp_path, monkeypatch, cbc_here):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CBC_WEIGHTS", str(tmp_path / "nowhere"))
    labels = f"--set=comment_tone.labels={labelled(tmp_path / 'labels.csv')}"
    done = cbc_here("corpus", "annotate", "--with", "comment_tone", labels, "--corpus", built(tmp_path))
    assert done.returncode == 2 and "make weights" in done.stderr and len(done.stderr.strip().splitlines()) == 1


def test_another_package_of_that_name_is_refused_and_nothing_written(tmp_path, monkeypatch):
    from zipfile import ZipFile

    monkeypatch.setattr(minilm, "package_folders", lambda name: [tmp_path])
    with pytest.raises(NoMiniLM, match="not installed"):
        write_minilm(tmp_path / "weights")
    for names in (("model.safetensors",), ("../model.safetensors",), (minilm.WEIGHTS, *minilm.BESIDE)):
        with ZipFile(tmp_path / "model.zip", "w") as archive:
            for name in names:
                archive.writestr(name, b"other")
        with pytest.raises(NoMiniLM, match="other weights than known"):
            write_minilm(tmp_path / "weights")
    (tmp_path / "model.zip").write_bytes(b"no archive")
    with pytest.raises(NoMiniLM, match="other weights than known"):
        write_minilm(tmp_path / "weights")
    assert not list((tmp_path / "weights").iterdir())


def test_the_package_becomes_a_folder_that_knows_what_is_alike(tmp_path, monkeypatch):
    if find_spec(PACKAGE) is None or find_spec("torch") is None:
        pytest.skip("the weights are not installed (make weights)")
    folder = write_minilm(tmp_path)
    assert write_minilm(tmp_path) == folder
    monkeypatch.setenv("CBC_WEIGHTS", str(tmp_path))
    model = MiniLM(minilm_folder(minilm.MODEL))
    shoes, trainers, prices = model.embed(["nice new shoes", "lovely trainers", "the central bank raised rates"])
    assert shoes @ trainers > shoes @ prices + 0.2
