"""Habits of the command: help, version, completion, quiet, verbose, JSON alone on stdout, what comes next."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
from typer.main import get_command

import cbc as command
from benchmark.bench import Bench
from benchmark.submit import submit
from corpus.ingest.run import ingest
from corpus.simulate.world import simulate
from corpus.sources.registry import source_named

ROOT = Path(__file__).resolve().parent.parent


def commands(group=None, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Every command and group, by its words."""
    group = group or get_command(command.app)
    inner = getattr(group, "commands", {})
    return [path, *(found for name, one in inner.items() for found in commands(one, (*path, name)))]


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A corpus, a bench, a run of a reference, and a submitted run."""
    root = tmp_path_factory.mktemp("made")
    simulate(root / "corpus", brands=9, videos=40, posts=30, emails=1)
    for line in ("benchmark build --corpus corpus --out bench", "baselines predict constant --bench bench --out run"):
        done = subprocess.run(
            [sys.executable, "-m", "cbc", *line.split()], cwd=root, env={"PYTHONPATH": str(ROOT)}, capture_output=True
        )
        assert done.returncode == 0, done.stderr
    shutil.copytree(root / "corpus", root / "copy", ignore=shutil.ignore_patterns("derived.txt"))
    question = Bench.open(root / "bench").public("views", "test")["instance_id"][0]
    (root / "answers.csv").write_text(f"instance_id,answer\n{question},12\n")
    submit(root / "answers.csv", "own", root / "bench", root / "own")
    return root


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_command_has_help_and_the_shared_options(words, cbc_here):
    short, long = cbc_here(*words, "-h"), cbc_here(*words, "--help")
    assert (short.returncode, short.stderr) == (0, "")
    assert short.stdout == long.stdout
    assert all(option in short.stdout for option in ("--quiet", "-q", "--verbose", "-v"))


def test_the_version_is_that_of_the_package(cbc_here):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert command.__version__ == version("cbc") == project["version"]
    assert cbc_here("--version").stdout == f"cbc {command.__version__}\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_and_words(shell, cbc):
    script = cbc("--show-completion", shell)
    assert script.returncode == 0 and "_CBC_COMPLETE" in script.stdout
    if shell == "bash":
        words = cbc(_CBC_COMPLETE="complete_bash", COMP_WORDS="cbc corpus for", COMP_CWORD="2")
        assert words.stdout.split() == ["forget"]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("corpus status", "error: missing option '--corpus' (env var: 'CBC_CORPUS'); see `cbc corpus status -h`\n"),
        ("corpus nothing", "error: no such command 'nothing'; see `cbc corpus -h`\n"),
        ("corpus sql", "error: missing argument 'QUERY'; see `cbc corpus sql -h`\n"),
        ("benchmark build --corpus c --out b --seed x", "see `cbc benchmark build -h`\n"),
        ("corpus status --corpse c", "(Possible options: --corpus); see `cbc corpus status -h`\n"),
    ],
)
def test_a_wrong_command_line_is_one_line_with_the_help_that_mends_it(words, line, cbc_here):
    done = cbc_here(*words.split())
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert line.casefold() in done.stderr.casefold()


@pytest.mark.parametrize("name", ["-axbiEJiRGw", "-qxbiEJiRGw", "--xbiEJiRGw"])
def test_an_id_that_begins_with_a_dash_is_one_line_that_says_how_to_write_it(name, made, cbc_here, monkeypatch):
    monkeypatch.setenv("CBC_CORPUS", str(made / "corpus"))
    for words in (("takedown", "abc", name), ("explain", name)):
        done = cbc_here("corpus", *words)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
        assert f"; if {name} is a YouTube id, write `youtube:{name}`, or put `--` before it\n" in done.stderr
    for words in ((f"youtube:{name}",), ("--", name)):
        assert f"no message, communicator or comment {words[-1]}" in cbc_here("corpus", "explain", *words).stderr
    assert "YouTube" not in cbc_here("corpus", "status", name).stderr
    assert "YouTube" not in cbc_here("corpus", "explain", "a", "--corpuss", "c").stderr


def test_the_environment_names_corpus_and_bench(made, cbc_here, monkeypatch):
    monkeypatch.setenv("CBC_CORPUS", str(made / "corpus"))
    monkeypatch.setenv("CBC_BENCH", str(made / "bench"))
    assert cbc_here("corpus", "status").returncode == 0
    assert cbc_here("benchmark", "score", made / "run").returncode == 0
    other = cbc_here("corpus", "status", "--corpus", made / "other")
    assert (other.returncode, f"no corpus at {made / 'other'}" in other.stderr) == (2, True)


JSON = {
    "corpus status": lambda read: read["figures"]["rows"][0] == {"table": "communicator", "rows": 27},
    "corpus ingests": lambda read: read[0]["rows_read"] > 0,
    "corpus validate": lambda read: read["findings"] == [],
    "corpus explain sim-v-alvora-1": lambda read: read["origins"][0]["source"].startswith("simulate@"),
    "corpus filter default": lambda read: read["messages"] > 0 and read["filters"][0]["removed"] >= 0 and read["kinds"],
    "corpus verbalize --out {made}/texts": lambda read: read["texts"] == sum(read["written"].values()) > 0,
    "corpus export --out {made}/v --duckdb {made}/d": lambda read: read["videos"] > 0 and read["tables"]["message"] > 0,
    "corpus release --out {made}/rel": lambda read: (
        read["written"] and read["manifest"]["rows"]["message"]["train"] > 0
    ),
    "corpus annotate --with language": lambda read: read["label"].startswith("language@") and read["rows"] == 0,
    "corpus datasheet": lambda read: read["datasheet"].startswith("#"),
    "corpus datasheet --out {made}/sheet.md": lambda read: Path(read["out"]).is_file(),
    "corpus rebuild {made}/corpus --corpus {made}/anew": lambda read: (
        read["reports"] == [] and len(read["steps_by_hand"]) > 0
    ),
    "corpus takedown sim-v-alvora-1 --corpus {made}/copy": lambda read: (
        read["ids"]["message"] == ["youtube:sim-v-alvora-1"] and read["rows"]["message"] == 1
    ),
    "corpus forget {ingest} --corpus {made}/copy": lambda read: read["tables"]["message"] > 0,
    "benchmark submit {made}/answers.csv --name mine --out {made}/mine": lambda read: (
        (read["run"], read["counts"]["views"]) == ("mine", {"answers": 1, "unparsed": 0})
    ),
    "leaderboard pack {made}/own --out {made}/own.zip": lambda read: (
        Path(read["file"]).is_file() and read["manifest"]["run"] == "own"
    ),
    "corpus mapping-help": lambda read: {"key", "type", "needed", "meaning", "example"} < set(read[0]),
    "baselines list": lambda read: "constant" in [one["name"] for one in read],
    "benchmark build --out {made}/again": lambda read: read["tasks"]["views"]["test"] > 0 and "left_out" in read,
    "benchmark score {made}/run": lambda read: {"task", "metric", "value", "low", "high"} < set(read[0]),
    "benchmark tables {made}/run --out {made}/tables": lambda read: {"table", "condition", "rank"} < set(read[0]),
    "benchmark effects {made}/run --bench {made}/bench": lambda read: (
        {"task", "verdicts", "factors"} < set(read["tasks"][0])
    ),
    "baselines predict constant --out {made}/run2": lambda read: read["run"] == "constant" and read["counts"],
    "leaderboard build {made}/run --out {made}/site": lambda read: Path(read["page"]).is_file(),
}


@pytest.mark.parametrize("line", JSON)
def test_json_is_all_that_stdout_holds(line, made, cbc_here, monkeypatch):
    monkeypatch.setenv("CBC_CORPUS", str(made / "corpus"))
    monkeypatch.setenv("CBC_BENCH", str(made / "bench"))
    words = line.format(made=made, ingest=next((made / "corpus" / "tables").iterdir()).name)
    done = cbc_here(*words.split(), "--json")
    assert done.returncode == 0, done.stderr
    assert JSON[line](json.loads(done.stdout))


WITHOUT_JSON = {"demo", "lm-eval-tasks", "lm-eval-path", "verify", "bench", "coverage", "folds", "null"}
"""Commands that print one line a thing already."""


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_command_that_prints_a_report_prints_it_as_json_too(words, cbc_here):
    shown = cbc_here(*words, "-h").stdout
    is_group = "COMMAND" in shown.split("Options")[0]
    assert ("--json" in shown) == (not is_group and words[-1] not in WITHOUT_JSON), shown


def test_rows_of_sql_as_json_keep_every_column_and_row(made, cbc_here):
    query = "SELECT 1 AS a, 2 AS a, 'NaN'::DOUBLE AS n, {'x': [1, NULL]} AS s, DATE '2024-01-02' AS d FROM message"
    done = cbc_here("corpus", "sql", query, "--corpus", made / "corpus", "--json")
    rows = json.loads(done.stdout)
    counted = cbc_here("corpus", "sql", "SELECT count(*) FROM message", "--corpus", made / "corpus", "--csv")
    assert len(rows) == int(counted.stdout.split()[1]) > 0
    assert rows[0] == {"a": 1, "a_1": 2, "n": None, "s": {"x": [1, None]}, "d": "2024-01-02"}
    none = cbc_here("corpus", "sql", "FROM message WHERE false", "--corpus", made / "corpus", "--json")
    assert json.loads(none.stdout) == []


def test_verbose_shows_where_an_error_came_from(tmp_path, cbc_here):
    plain = cbc_here("corpus", "status", "--corpus", tmp_path)
    verbose = cbc_here("-v", "corpus", "status", "--corpus", tmp_path)
    after = cbc_here("corpus", "status", "--corpus", tmp_path, "--verbose")
    assert plain.stderr.count("\n") == 1
    assert "Traceback" in verbose.stderr and verbose.stderr.endswith(plain.stderr)
    assert after.stderr.endswith(plain.stderr) and "Traceback" in after.stderr


def test_verbose_logs_the_steps_on_stderr_and_nothing_is_logged_without_it(tmp_path, cbc_here):
    (tmp_path / "m.yaml").write_text("channel: web\nkind: post\nmessage: {message_id: id, body: text}\n")
    (tmp_path / "a\x1bb.csv").write_text("id,text\n1,x\n,y\n")
    words = ("table", tmp_path / "a\x1bb.csv", "--mapping", tmp_path / "m.yaml", "--json")
    plain = cbc_here("corpus", "ingest", *words, "--corpus", tmp_path / "plain")
    verbose = cbc_here("corpus", "ingest", *words, "--corpus", tmp_path / "verbose", "-v")
    assert (plain.returncode, plain.stderr) == (0, "")
    assert (verbose.returncode, verbose.stdout) == (0, plain.stdout)
    lines = verbose.stderr.splitlines()
    assert all(line.startswith("debug: corpus.") for line in lines) and "\x1b" not in verbose.stderr
    for step in ("reading a\N{SYMBOL FOR ESCAPE}b.csv", "2 records read", "1 kept, 1 rejected", "keeping"):
        assert any(step in line for line in lines), step
    assert cbc_here("corpus", "ingests", "--corpus", tmp_path / "plain").stderr == ""


def test_verbose_logs_tasks_and_kinds(made, tmp_path, cbc_here):
    built = cbc_here("-v", "benchmark", "build", "--corpus", made / "corpus", "--out", tmp_path / "bench")
    assert "debug: benchmark.build: building views" in built.stderr
    predict = ("-v", "baselines", "predict", "constant", "--bench", tmp_path / "bench", "--out", tmp_path / "run")
    predicted = cbc_here(*predict)
    assert "debug: baselines.predict: constant answers views: " in predicted.stderr
    texts = cbc_here("-v", "corpus", "verbalize", "--corpus", made / "corpus", "--out", tmp_path / "texts")
    assert "debug: corpus.verbalize.verbalize: writing texts of the kind video" in texts.stderr


# What happened, and what comes next


def test_each_command_of_the_way_to_a_page_names_the_next_one_as_it_can_be_pasted(tmp_path, cbc_here, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = cbc_here("corpus", "simulate", "--corpus", "a corpus", "--brands", 9, "--videos", 40, "--posts", 30)
    seen = []
    while (last := done.stdout.splitlines()[-1]).startswith("next: cbc "):
        words = shlex.split(last.removeprefix("next: cbc "))
        seen.append(" ".join(words[:2]))
        done = cbc_here(*["constant" if word == "boosted" else word for word in words])
        assert done.returncode == 0 and done.stdout.count("next: ") <= 1, done.stderr
    assert seen == ["benchmark build", "baselines predict", "benchmark score", "leaderboard build"]
    assert last == "open site/index.html"


def test_build_says_sizes_and_what_was_left_out(made, cbc_here, tmp_path):
    done = cbc_here("benchmark", "build", "--corpus", made / "corpus", "--out", tmp_path / "b")
    lines = [line.split() for line in done.stdout.splitlines()]
    manifest = json.loads((tmp_path / "b" / "manifest.json").read_text())
    for name, task in manifest["tasks"].items():
        sizes = [f"{task[split]:,}" for split in ("train", "validation", "test")]
        assert [name, task["kind"], *sizes] in [line[:5] for line in lines]
    for name, reason in manifest["left_out"].items():
        assert f"left out: {name} ({reason})" in done.stdout


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("id,text,n\n", "the file holds no rows\n"),
        ("id,text,n\n,x,1\n", "the only row was rejected for: missing id; see the rows: cbc corpus sql "),
        ("id,text,n\n,x,1\n,y,2\n", "all 2 rows were rejected, 2 of them for: missing id"),
    ],
    ids=["no rows", "the only one", "all rejected"],
)
def test_an_ingest_that_keeps_nothing_ends_with_1_and_says_why(content, why, tmp_path, cbc_here):
    (tmp_path / "m.yaml").write_text("channel: web\nkind: post\nmessage: {message_id: id, body: text}\n")
    (tmp_path / "a.csv").write_text(content)
    words = (
        "corpus",
        "ingest",
        "table",
        tmp_path / "a.csv",
        "--mapping",
        tmp_path / "m.yaml",
        "--corpus",
        tmp_path / "c",
    )
    done = cbc_here(*words)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert f"nothing was kept: {why}" in done.stderr
    read = cbc_here(*words[:-1], tmp_path / "d", "--json")
    assert (read.returncode, json.loads(read.stdout)["rows_kept"]) == (1, 0)


def test_an_ingest_of_what_is_there_already_is_no_failure_and_a_wrong_source_is(tmp_path, cbc_here):
    (tmp_path / "m.yaml").write_text("channel: web\nkind: post\nmessage: {message_id: id, body: text}\n")
    (tmp_path / "a.csv").write_text("id,text\n1,x\n")
    (tmp_path / "same.csv").write_text("text,id\nx,1\n")
    table = source_named("table", tmp_path / "m.yaml")
    ingest(table, [tmp_path / "a.csv"], tmp_path / "c")
    for name in ("a.csv", "same.csv"):
        mapping = ("--mapping", tmp_path / "m.yaml")
        assert (
            cbc_here("corpus", "ingest", "table", tmp_path / name, *mapping, "--corpus", tmp_path / "c").returncode == 0
        )
    (tmp_path / "other.csv").write_text("name,words\n1,x\n")
    for words in (
        ("table", tmp_path / "other.csv", "--mapping", tmp_path / "m.yaml"),
        ("nothing", tmp_path / "a.csv"),
    ):
        done = cbc_here("corpus", "ingest", *words, "--corpus", tmp_path / "e")
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
        assert not (tmp_path / "e").exists()
