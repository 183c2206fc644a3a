"""Every command takes paths as they come: with patterns, quotes, line breaks, a leading ~ or -, and as long as they may
be. What cannot be read or written is one line.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import corpus.simulate.world

MAPPING = """channel: web
kind: post
message: {message_id: id, body: text}
communicator: {communicator_id: who}
effects: [{metric: likes, value: n}]
"""
NAMES = {
    "spaces": "a b ",
    "set": "a[1]b",
    "stars": "s*t**r",
    "question": "wh?t",
    "backslash": r"back\slash\n",
    "quotes": 'it\'s "so"',
    "percent": "100%20%s",
    "home": "~root",
    "dollar": "$HOME ${x} {y} `z`",
    "newline": "new\nline\r\x1b[31m",
    "marks": "a,b;c#d&e|f<g>=h:i@1",
    "letters": "日本\u202e\u00e9e\u0301",
    "dash": "-dash",
    "long": "x" * 240,
}
CHAIN = """corpus ingest table {files} --mapping {mapping} --corpus={corpus}
corpus ingests --corpus={corpus}
corpus ingests --corpus={corpus} --json
corpus status --corpus={corpus}
corpus validate --corpus={corpus}
corpus sql FROM"message" --corpus={corpus} --json
corpus explain 1 --corpus={corpus}
corpus filter default --corpus={corpus}
corpus verbalize --corpus={corpus} --out={text}
corpus export --corpus={corpus} --out={videos}
corpus datasheet --corpus={corpus} --out={sheet}
corpus release --corpus={corpus} --content full --out={release}
corpus diff {release} {release}
benchmark build --corpus={corpus} --out={bench}
baselines predict mean --bench={bench} --out={run}
baselines predict oracle --bench={bench} --out={oracle}
benchmark score {run} --bench={bench}
benchmark tables {run} --bench={bench} --out={tables}
leaderboard build {run} {oracle} --out={site}
corpus forget {ingest} --corpus={corpus}
corpus takedown sim-v-alvora-1 --corpus={corpus}""".splitlines()


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Path:
    """A small simulated corpus."""
    root = tmp_path_factory.mktemp("world") / "corpus"
    corpus.simulate.world.simulate(root, brands=9, videos=40, posts=30, emails=1)
    return root


def places(name: str) -> dict[str, str]:
    """A path for each thing that the chain makes, in the current folder."""
    made = ["corpus", "files", "mapping", "text", "videos", "sheet", "release"]
    made += ["bench", "run", "oracle", "tables", "site"]
    paths = {kind: f"{name[:-2]}{n:02}" if len(name) > 200 else f"{name}{n}" for n, kind in enumerate(made)}
    return {kind: f"./{path}" if path.startswith("-") else path for kind, path in paths.items()}


@pytest.mark.parametrize("name", NAMES)
def test_every_command_works_below_any_path(name, world, tmp_path, monkeypatch, cbc_here):
    monkeypatch.chdir(tmp_path)
    at = places(NAMES[name])
    shutil.copytree(world, at["corpus"], ignore=shutil.ignore_patterns("*.duckdb"))
    Path(at["files"]).mkdir()
    (Path(at["files"]) / f"{NAMES[name][:230]}.csv").write_text("id,text,who,n\n1,one,a,3\n2,two,b,4\n")
    Path(at["mapping"]).write_text(f"name: posts\n{MAPPING}")
    for line in CHAIN:
        if "{ingest}" in line:
            at["ingest"] = next(path.name for path in Path(at["corpus"], "tables").glob("posts-*"))
        command = [word.format(**at) for word in line.split()]
        done = cbc_here(*command)
        assert (done.returncode, "Traceback" in done.stderr) == (0, False), (line, done.stderr[-2000:])
        assert "\x1b" not in done.stdout, line
    assert {path.name for path in tmp_path.iterdir()} == {Path(at[kind]).name for kind in at if kind != "ingest"}
