"""The key reference of mappings: whole, true, and the same in docs."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from corpus.sources.mapping import Mapping
from corpus.sources.mapping_help import SECTIONS, mapping_help, mapping_help_markdown, mapping_keys

ROOT = Path(__file__).resolve().parents[3]
LEAST = {"name": "mine", "channel": "web", "kind": "post", "message": {"message_id": "id"}}
BESIDE = {  # what a section needs beside the key that is shown
    "communicator": {"communicator_id": "user"},
    "effects": {"metric": "likes", "value": "n"},
    "replay": {"markers": "heatmap"},
    "attributes": {"name": "mine"},
}


def with_key(key) -> dict:
    """A mapping that uses a key as its example does."""
    shown = yaml.safe_load(key.example)
    if key.section == "":
        return LEAST | shown
    if key.section == "field":
        of = {} if shown.keys() & {"column", "const", "template", "file"} else {"column": "id"}
        return LEAST | {"message": {"message_id": of | shown}}
    content = BESIDE.get(key.section, LEAST["message"]) | shown
    return LEAST | {key.section: [content] if key.section in ("effects", "replay") else content}


@pytest.mark.parametrize("key", mapping_keys(), ids=lambda key: f"{key.section}.{key.key}")
def test_each_key_has_a_meaning_and_an_example_that_a_mapping_takes(key):
    assert key.meaning not in ("", "None")
    assert Mapping.model_validate(with_key(key))


def test_it_lists_every_key_of_the_model():
    listed = {(key.section, key.key) for key in mapping_keys()}
    assert listed == {(name, field) for name, (_, model) in SECTIONS.items() for field in model.model_fields}
    assert {key.key for key in mapping_keys() if key.needed and key.section == ""} == {"channel", "kind", "message"}
    assert all(key.key in mapping_help() for key in mapping_keys())


def test_docs_hold_the_same_text():
    assert (ROOT / "docs" / "mappings.md").read_text(encoding="utf-8") == mapping_help_markdown()


def test_the_command_prints_it_and_a_broken_mapping_names_it(cbc_here, tmp_path):
    assert cbc_here("corpus", "mapping-help", "--markdown").stdout == mapping_help_markdown()
    (tmp_path / "m.yaml").write_text("colour: red\n")
    (tmp_path / "a.csv").write_text("id\n1\n")
    done = cbc_here(
        "corpus", "ingest", "table", tmp_path / "a.csv", "--mapping", tmp_path / "m.yaml", "--corpus", tmp_path / "c"
    )
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "`cbc corpus mapping-help` lists the keys" in done.stderr
