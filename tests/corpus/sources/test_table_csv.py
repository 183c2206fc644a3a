"""Delimited files: each bad record is rejected with its line, and costs no other."""

from __future__ import annotations

import gzip
import io
import json
import random
import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.errors import NoSuchPath
from corpus.files import archives, side_by_side
from corpus.files.archives import Part, Record
from corpus.files.csv_records import read_records
from corpus.sources import table_reader
from corpus.sources.table_reader import NoText, UnknownColumn
from tests.corpus.sources.mapped import POSTS, rejects, rows, run, tree

HEADER = b"id,title,day,views\n"
DAYS = ["", "2020-01-01", "2020-01-09"]


def write(folder, content, name="posts.csv"):
    path = folder / name
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"b,two,2020-13-45,5", "unparsable date"),
        (b"b,two,yesterday,5", "unparsable date"),
        (b"b,two,2020-01-02,-5", "negative count"),
        (b"b,two,2020-01-02,many", "not a number"),
        (b"b,two,2020-01-02,nan", "not a number"),
        (b"b,two,2020-01-02,2.5", "not a whole number"),
        (b"b,two,2020-01-02,1e300", "out of range"),
        (b",two,2020-01-02,5", "missing id"),
        (b"b,two,2020-01-02", "too few columns"),
        (b"b,two,2020-01-02,5,6", "too many columns"),
        (b"b,caf\xe9,2020-01-02,5", "wrong encoding"),
        (b'b,"two,2020-01-02,5', "broken quotation"),
        (b'b,"t"wo,2020-01-02,5', "broken quotation"),
    ],
)
def test_a_bad_record_is_rejected_with_its_line(tmp_path, either_reader, line, reason):
    good = b'a,"one\nline more",2020-01-01,1\n'
    last = b'c,"three, with ""quotes""",2020-01-03,3\n'
    file = write(tmp_path, HEADER + good + line + b"\n" + last)
    report, corpus = run(tmp_path, POSTS, file)
    assert (report.rows_read, report.rows_kept, report.rejected) == (3, 2, {reason: 1})
    assert rejects(corpus) == [("posts.csv", 4, reason)]
    assert rows(corpus, "SELECT message_id, title FROM message ORDER BY 1") == [
        ("web:a", "one\nline more"),
        ("web:c", 'three, with "quotes"'),
    ]


def test_the_reject_shows_what_broke_the_rule(tmp_path, either_reader):
    _, corpus = run(tmp_path, POSTS, write(tmp_path, HEADER + b"a,x,2020-01-01,-5\nb,x,2020-01-01,1\n"))
    assert rows(corpus, "SELECT source, value FROM rejects") == [("posts@1", "-5")]


def test_a_quote_never_closed_swallows_no_record(tmp_path, either_reader):
    lines = [
        b'a,"cut off,2020-01-01,1',
        b'b,"whole",2020-01-02,2',
        b'c,"of two\nlines",2020-01-03,3',
        b"d,x,2020-01-04,4",
    ]
    report, corpus = run(tmp_path, POSTS, write(tmp_path, HEADER + b"\n".join(lines) + b"\n"))
    assert report.rejected == {"broken quotation": 1}
    assert rows(corpus, "SELECT message_id FROM message ORDER BY 1") == [("web:b",), ("web:c",), ("web:d",)]


def test_a_record_of_several_lines_with_a_column_too_many_is_one_reject(tmp_path, either_reader):
    content = HEADER + b'a,"of\ntwo\nlines",2020-01-01,1,9\nb,x,2020-01-02,2\n'
    report, corpus = run(tmp_path, POSTS, write(tmp_path, content))
    assert report.rows_read == 2
    assert rejects(corpus) == [("posts.csv", 2, "too many columns")]


def test_absent_values_are_null_and_no_rejects(tmp_path, either_reader):
    report, corpus = run(tmp_path, POSTS, write(tmp_path, HEADER + b"a,,,\n"))
    assert report.rows_kept == 1
    assert rows(corpus, "SELECT title, published_at FROM message") == [(None, None)]
    assert rows(corpus, "SELECT count(*) FROM effect") == [(0,)]


def test_values_are_read_in_their_usual_forms(tmp_path, either_reader):
    days = ["2020-01-02T03:04:05Z", "2020-01-02 05:04:05+02:00", "2020-01-02 03:04:05", "2020-01-02"]
    counts = ["236898.0", "10.6M", "1,234", "0"]
    lines = [f'{i},x,{day},"{count}"' for i, (day, count) in enumerate(zip(days, counts, strict=True))]
    _, corpus = run(tmp_path, POSTS, write(tmp_path, HEADER + "\n".join(lines).encode()))
    found = rows(
        corpus, "SELECT published_at::VARCHAR, value FROM message JOIN effect USING (message_id) ORDER BY 1 DESC"
    )
    assert found == [("2020-01-02 03:04:05", v) for v in (236898.0, 10.6e6, 1234.0)] + [("2020-01-02 00:00:00", 0.0)]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("PT3M49S", 229), ("P1DT3H44M27S", 99867), ("P0D", None), ("83", 83), ("4:13", 253), ("1:02:03", 3723)],
)
def test_lengths_are_read_and_zero_is_unknown(tmp_path, text, seconds):
    mapping = POSTS | {"message": {"message_id": "id", "duration_s": "day"}}
    _, corpus = run(tmp_path, mapping, write(tmp_path, HEADER + f"a,x,{text},1\n".encode()))
    assert rows(corpus, "SELECT duration_s FROM message") == [(seconds,)]


@pytest.mark.parametrize("text", ["P1Y", "PT", "three minutes", "-5", "nan"])
def test_lengths_that_are_none_are_rejected(tmp_path, text):
    mapping = POSTS | {"message": {"message_id": "id", "duration_s": "day"}}
    report, _ = run(tmp_path, mapping, write(tmp_path, HEADER + f"a,x,{text},1\n".encode()))
    assert report.rejected == {"unparsable duration": 1}


def test_a_bare_carriage_return_in_quotes_is_text(tmp_path, either_reader):
    _, corpus = run(tmp_path, POSTS, write(tmp_path, HEADER + b'a,"x\ry",2020-01-01,1\r\nb,z,2020-01-01,1\n'))
    assert rows(corpus, "SELECT title FROM message ORDER BY message_id") == [("x\ry",), ("z",)]


def test_files_in_several_encodings_are_read_beside_each_other(tmp_path):
    title = "It’s “on” – we’re opening a café…"
    for encoding in ("utf-8", "cp1252", "mac_roman", "utf-16"):
        write(tmp_path, f"id,title,day,views\n{encoding},{title},2020-01-01,1\n".encode(encoding), f"in/{encoding}.csv")
    report, corpus = run(tmp_path, POSTS | {"encoding": "auto"}, tmp_path / "in")
    assert rows(corpus, "SELECT DISTINCT title FROM message WHERE message_id <> 'web:utf-16'") == [(title,)]
    assert report.rows_kept >= 3


def test_an_encoding_may_be_named(tmp_path):
    file = write(tmp_path, "id,title,day,views\na,Größe,2020-01-01,1\n".encode("utf-16"))
    _, corpus = run(tmp_path, POSTS | {"encoding": "utf-16"}, file)
    assert rows(corpus, "SELECT title FROM message") == [("Größe",)]


def test_tabs_spaces_and_marks_of_byte_order_are_read(tmp_path):
    write(tmp_path, b"\xef\xbb\xbfid\ttitle\tday\tviews\na\tx y\t2020-01-01\t1\n", "in/posts.tsv")
    _, corpus = run(tmp_path, POSTS, tmp_path / "in")
    assert rows(corpus, "SELECT title FROM message") == [("x y",)]
    spaced = write(tmp_path, b"id title day views\nb x 2020-01-01 1\n", "spaced.txt")
    run(tmp_path, POSTS | {"separator": " "}, spaced)
    assert rows(corpus, "SELECT message_id FROM message ORDER BY 1") == [("web:a",), ("web:b",)]


def test_a_gzip_cut_short_keeps_what_came(tmp_path, either_reader):
    body = b"".join(b"%d,t%d,2020-01-01,%d\n" % (i, i * 7919 % 10007, i) for i in range(20_000))
    whole = gzip.compress(HEADER + body)
    report, corpus = run(tmp_path, POSTS, write(tmp_path, whole[: len(whole) // 2], "cut.csv.gz"))
    assert report.rejected["broken file"] == 1
    assert 0 < report.rows_kept < 20_000
    assert report.rows_kept == rows(corpus, "SELECT count(*) FROM message")[0][0]
    report, _ = run(tmp_path, POSTS, write(tmp_path, whole, "whole.csv.gz"), corpus="other")
    assert report.rows_kept == 20_000


def test_what_is_no_gzip_is_rejected_whole(tmp_path):
    report, corpus = run(tmp_path, POSTS, write(tmp_path, HEADER, "posts.csv.gz"))
    assert (report.rows_read, report.rejected) == (1, {"broken file": 1})
    assert rejects(corpus) == [("posts.csv.gz", 1, "broken file")]


def archive(files):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def test_an_archive_is_read_file_by_file(tmp_path):
    files = {
        "2020/one.csv": HEADER + b"a,x,2020-01-01,1\nb,x,bad,1\n",
        "2020/two.csv.gz": gzip.compress(b"views,id,title,day\n5,c,z,2020-01-03\n"),
        "../../escape.csv": HEADER + b"d,x,2020-01-04,4\n",
        "readme.md": b"not a table",
        "2020/._one.csv": b"\0\0",
    }
    report, corpus = run(tmp_path, POSTS, write(tmp_path, archive(files), "daily.tar.gz"))
    assert (report.rows_read, report.rows_kept) == (4, 3)
    assert rejects(corpus) == [("daily.tar.gz/2020/one.csv", 3, "unparsable date")]
    numbered = rows(corpus, "SELECT row_key, raw_line FROM provenance ORDER BY raw_line")
    assert numbered == [("web:a", 1), ("web:c", 3), ("web:d", 4)]


def test_a_broken_archive_is_a_reject(tmp_path):
    whole = archive({f"{i}.csv": HEADER + b"%d,x,2020-01-01,1\n" % i for i in range(200)})
    report, corpus = run(tmp_path, POSTS, write(tmp_path, whole[: len(whole) // 2], "cut.tar.gz"))
    assert report.rejected["broken archive"] == 1
    assert report.rows_kept > 0
    assert rejects(corpus)[0] == ("cut.tar.gz", None, "broken archive")


def test_a_file_of_another_kind_among_others_is_rejected_whole(tmp_path):
    write(tmp_path, HEADER + b"a,x,2020-01-01,1\n", "in/posts.csv")
    write(tmp_path, b"name,age\nx,1\ny,2\n", "in/people.csv")
    write(tmp_path, b"", "in/empty.csv")
    report, corpus = run(tmp_path, POSTS, tmp_path / "in")
    assert report.rejected == {"other columns": 1, "empty file": 1}
    assert rejects(corpus) == [("empty.csv", 1, "empty file"), ("people.csv", 1, "other columns")]


def test_only_files_of_another_kind_are_an_error_that_names_the_column(tmp_path):
    people = write(tmp_path, b"id,title,views\nx,1,2\n")
    with pytest.raises(UnknownColumn, match=r"posts\.csv has no column 'day' \(it has id, title, views\)"):
        run(tmp_path, POSTS, people)
    assert not (tmp_path / "corpus").exists()


@pytest.mark.parametrize("name", ["posts.csv", "posts.jsonl"])
@pytest.mark.parametrize(
    ("content", "told"),
    [
        (HEADER.decode().encode("utf-16"), "is text in UTF-16; save it as UTF-8, or name its encoding"),
        (HEADER.decode().encode("utf-16-le"), "holds NUL bytes, as binary files and UTF-16 do; save it as UTF-8"),
        (b"\x7fELF\x02\x00\x1b[31m,\x9b\n\x00\n", "holds NUL bytes, as binary files and UTF-16 do; save it"),
    ],
    ids=["UTF-16", "UTF-16 without its mark", "binary"],
)
def test_a_file_that_is_no_text_is_named_so_without_a_byte_of_it(name, content, told, tmp_path):
    with pytest.raises(NoText) as error:
        run(tmp_path, POSTS, write(tmp_path, content, name))
    assert str(error.value).startswith(f"{name} {told}") and str(error.value).isprintable()
    assert not (tmp_path / "corpus").exists()


def test_a_mapping_may_state_utf16(tmp_path):
    file = write(tmp_path, (HEADER + b"a,x,2020-01-01,1\n").decode().encode("utf-16"))
    report, _ = run(tmp_path, POSTS | {"encoding": "utf-16"}, file)
    assert report.rows_kept == 1


def test_a_long_list_of_columns_is_cut(tmp_path):
    header = ",".join(f"column {n}" for n in range(1000)) + "\x1b]0;x\x07\n"
    with pytest.raises(UnknownColumn, match=r"has no column 'id' \(it has column 0, ") as error:
        run(tmp_path, POSTS, write(tmp_path, header.encode()))
    assert len(str(error.value)) < 600 and str(error.value).isprintable()


def test_a_wrong_path_and_an_empty_folder_are_named(tmp_path):
    (tmp_path / "in").mkdir()
    with pytest.raises(NoSuchPath, match="there is no"):
        run(tmp_path, POSTS, tmp_path / "absent.csv")
    with pytest.raises(NoSuchPath, match="holds no file that posts reads"):
        run(tmp_path, POSTS, tmp_path / "in")


def test_names_of_columns_are_never_code(tmp_path, either_reader):
    name = """x"'); DROP TABLE message; --"""
    header = f'"{name.replace(chr(34), chr(34) * 2)}",day,views\n'
    mapping = POSTS | {"message": {"message_id": name, "title": {"const": "it's; DROP TABLE message"}}}
    report, corpus = run(tmp_path, mapping, write(tmp_path, f"{header}a,2020-01-01,1\n".encode()))
    assert report.rows_kept == 1
    assert rows(corpus, "SELECT message_id, title FROM message") == [("web:a", "it's; DROP TABLE message")]


texts = st.text(st.sampled_from("ab,\"\n\r é🎉;'"), max_size=12)
tables = st.lists(st.tuples(texts, st.integers(0, 10**9)), min_size=1, max_size=8)


def quoted(text):
    return '"' + text.replace('"', '""') + '"'


@settings(max_examples=15, deadline=None)
@given(tables)
def test_any_table_is_read_back_in_both_ways(tmp_path_factory, table):
    folder = tmp_path_factory.mktemp("any")
    lines = [f"{i},{quoted(text)},2020-01-01,{count}\n" for i, (text, count) in enumerate(table)]
    file = write(folder, HEADER + "".join(lines).encode())
    run(folder, POSTS, file, corpus="slow")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table_reader, "BIG_BYTES", 0)
        run(folder, POSTS, file, corpus="fast")
    assert tree(folder / "slow") == tree(folder / "fast")
    found = rows(
        folder / "slow",
        "SELECT title, value FROM message JOIN effect USING (message_id) ORDER BY substring(message_id, 5)::INT",
    )
    assert found == [(text or None, float(count)) for text, count in table]


ALIKE = {
    "a line break in the header": b'id,title,"x\ny"\r\nk0,x,1\r\nk1,x,1\r\n',
    "another line break in the header": b'id,title,"x\r\ny"\nk0,x,1\nk1,x,1\n',
    "a space and a quotation mark in the header": b'id,title, "\nk0,x,1\nk1,x,1\n',
    "a blank line before the header": b"\nid,title\na,x\nb,y\n",
    "a blank line after a BOM": b"\xef\xbb\xbf\nid,title\na,x\nb,y\n",
    "a space before a quotation mark": b'id,title\na, "x"\nb,y\n',
    "a space after one": b'id,title\na,"x" \nb,y\n',
    "a space before the first of a line": b'id,title\n  "a",x\nb,y\n',
    "a space before a quoted separator": b'id,title\na, "x, y"\nb,y\n',
    "spaces around a quoted line break": b'id,title\na, "x\nb,y" \nc,z\n',
    "a space beside nothing quoted": b'id,title\na, ""\nb,"" \n',
    "a space beside marks in marks": b'id,title\na," ""x"" "\nb,"y"" "\nc,"""" \n',
    "empty fields too many": b'id,title\na,x,,\nb,y,"",""\nc,z\n',
    "fields too many": b"id,title\na,x,,z\nb,y\n",
    "wrong encoding in a column not asked for": b"id,title,u\na,x,\xff\nb,y,2\n",
    "wrong encoding in the last bytes": b"id,title,u\na,x,1\nb,y,\xe9",
    "a bare return at the start of a line": b"id,title\n\ra,x\nb,y\n",
    "a bare return beside an empty field": b"id,title\na,x,\rb,y\n",
    "a bare return at the end": b"id,title\na,x\nb,y\r",
    "bare returns alone": b"id,title\ra,x\rb,y\r",
    "a record of more than a mebibyte": b'id,title\na,"' + b"x" * 1_500_000 + b'"\nb,y\n',
    "a record of many long lines": b'id,title\na,"' + (b"x" * 999 + b"\n") * 1_100 + b'"\nb,y\n',
    "a record of more than ten thousand lines": b'id,title\na,"' + b"\n" * 10_001 + b'"\nb,y\n',
}


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("content", ALIKE.values(), ids=ALIKE)
def test_a_file_is_read_alike_in_both_ways(tmp_path, monkeypatch, content, zipped):
    mapping = {**POSTS, "message": {"message_id": "id", "title": "title"}, "effects": []}
    file = write(tmp_path, gzip.compress(content) if zipped else content, "posts.csv.gz" if zipped else "posts.csv")
    run(tmp_path, mapping, file, corpus="slow")
    monkeypatch.setattr(table_reader, "BIG_BYTES", 0)
    report, _ = run(tmp_path, mapping, file, corpus="fast")
    assert tree(tmp_path / "slow") == tree(tmp_path / "fast")
    assert report.rows_read >= 1


def test_one_column_with_blank_lines_is_read_alike_in_both_ways(tmp_path, monkeypatch):
    mapping = {**POSTS, "message": {"message_id": "id"}, "effects": []}
    file = write(tmp_path, b"id\nx\n\ny\n\n")
    for corpus, big_bytes in (("slow", 1 << 40), ("fast", 0)):
        monkeypatch.setattr(table_reader, "BIG_BYTES", big_bytes)
        report, _ = run(tmp_path, mapping, file, corpus=corpus)
        assert report.rows_kept == 2
    assert tree(tmp_path / "slow") == tree(tmp_path / "fast")


@pytest.mark.parametrize("name", ["posts.csv.gz", "posts.jsonl.gz"])
def test_a_damaged_zip_is_broken_however_large(tmp_path, either_reader, name):
    posts = [{"id": f"k{n}", "title": "x", "day": "2020-01-01", "views": n} for n in range(8_000)]
    if name == "posts.csv.gz":
        content = "".join([",".join(posts[0]) + "\n", *(",".join(map(str, post.values())) + "\n" for post in posts)])
    else:
        content = "".join(json.dumps(post) + "\n" for post in posts)
    packed = bytearray(gzip.compress(content.encode(), compresslevel=0))
    packed[packed.index(b"k7000")] ^= 1  # a letter of a stored text, so that only the checksum tells
    report, _ = run(tmp_path, POSTS, write(tmp_path, bytes(packed), name))
    assert report.rejected.get("broken file") == 1 and report.rows_kept < 8_000


cells_of_csv = st.lists(st.sampled_from(["a", " ", '"', '""', ",", "\n", "\r\n", "\r", "é", "\t", "b,c"]), max_size=12)


@settings(max_examples=40, deadline=None)
@given(cells_of_csv, st.sampled_from([",", ";"]))
def test_any_text_after_a_header_is_read_alike_in_both_ways(tmp_path_factory, pieces, separator):
    folder = tmp_path_factory.mktemp("text")
    mapping = {**POSTS, "separator": separator, "message": {"message_id": "id", "title": "title"}, "effects": []}
    lines = ["id,title\n", "first,one\n", "".join(pieces), "\nlast,two\n"]
    file = write(folder, "".join(lines).replace(",", separator).encode())
    for corpus, big_bytes in (("slow", 1 << 40), ("fast", 0)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(table_reader, "BIG_BYTES", big_bytes)
            run(folder, mapping, file, corpus=corpus)
    assert tree(folder / "slow") == tree(folder / "fast")


def test_threads_that_share_a_file_see_its_records_in_order(tmp_path, monkeypatch):
    rng, like_records = random.Random(0), "7,one,2020-01-01,5\n8,two,2020-01-01,6\n"
    texts = [rng.choice(["plain, short", '"\n"\n,"', like_records, like_records * 4]) for _ in range(250_000)]
    lines = [f"{i},{quoted(text)},2020-01-01,{i},{rng.choice(DAYS)}\n" for i, text in enumerate(texts)]
    file = write(tmp_path, b"id,title,day,views,later\n" + "".join(lines).encode())
    views = [{"metric": "views", "value": "views", "at": day} for day in ("day", "later")]
    monkeypatch.setattr(side_by_side, "CORES", 3)
    report, corpus = run(tmp_path, {**POSTS, "effects": views}, file)
    assert (file.stat().st_size > 16 << 20, report.rows_kept) == (True, len(texts))
    lined = "SELECT DISTINCT title, raw_line FROM message JOIN provenance ON row_key = message_id ORDER BY raw_line"
    assert rows(corpus, lined) == [(text, i) for i, text in enumerate(texts, 1)]


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_records_or_said_to_be_none(content):
    path = archives.Path("posts.csv")
    found = list(read_records(Part("posts.csv", "csv", path, b"a,b\n" + content), ",", "utf-8"))
    assert isinstance(found[0], Record)
    numbers = [record.number for record in found[1:] if record.number is not None]
    assert numbers == list(range(1, len(numbers) + 1))
