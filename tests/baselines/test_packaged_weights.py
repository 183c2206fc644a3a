"""Weights that come inside a package: a missing or other package is refused, the known one becomes a model folder."""

from __future__ import annotations

from importlib.machinery import ModuleSpec
from importlib.util import find_spec

import pytest

from baselines import packaged_weights
from baselines.packaged_weights import FILE, MODEL, PACKAGE, NoPackagedWeights, packaged_file, write_smollm2

torch = pytest.importorskip("torch")


def install(monkeypatch, folder):
    spec = ModuleSpec(PACKAGE, None, is_package=True)
    spec.submodule_search_locations = [str(folder)]
    monkeypatch.setattr(packaged_weights, "find_spec", lambda name: spec)


def test_without_the_package_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(packaged_weights, "find_spec", lambda name: None)
    with pytest.raises(NoPackagedWeights, match="not installed") as refused:
        packaged_file()
    assert refused.value.mend == "run make weights"


def test_another_file_of_the_same_name_is_refused_and_nothing_written(monkeypatch, tmp_path):
    install(monkeypatch, tmp_path)
    with pytest.raises(NoPackagedWeights, match="not installed"):
        packaged_file()
    (tmp_path / FILE).write_bytes(b"GGUF other")
    with pytest.raises(NoPackagedWeights, match="another hash"):
        write_smollm2(tmp_path / "weights")
    assert not (tmp_path / "weights").exists()


def test_the_package_becomes_a_folder_with_safetensors_that_speaks(tmp_path):
    if find_spec(PACKAGE) is None or find_spec("gguf") is None:
        pytest.skip("the weights are not installed (make weights)")
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = write_smollm2(tmp_path)
    assert folder == tmp_path / MODEL and write_smollm2(tmp_path) == folder
    assert (folder / "model.safetensors").is_file()
    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    prompt = tokenizer("The capital of France is", return_tensors="pt")
    told = model.generate(**prompt, max_new_tokens=3, do_sample=False)
    assert "Paris" in tokenizer.decode(told[0])
