"""A small simulated bench and a tiny language model, shared by the tests of this folder, which only read them."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmark.bench import Bench
from benchmark.build import build_bench
from corpus.simulate.world import simulate

SIZES = {"train": 200, "validation": 40, "test": 40}


@pytest.fixture(scope="session")
def small_bench(tmp_path_factory) -> Bench:
    """All ten tasks, some dozens of questions each."""
    root = tmp_path_factory.mktemp("small-world")
    simulate(root / "corpus", seed=0, world="clear", brands=10, videos=80, posts=60, emails=0)
    return build_bench(root / "corpus", root / "bench", 0, SIZES, mask_draws=1)


@pytest.fixture(scope="session")
def tiny_llama(tmp_path_factory, small_bench) -> Path:
    """A Llama of random weights with a tokenizer of the bench's own words, in a folder as save_pretrained writes it."""
    torch = pytest.importorskip("torch")
    from transformers import LlamaConfig, LlamaForCausalLM

    from baselines.lcbm.tokenizer import train_tokenizer

    texts = [
        f"{prompt} {answer}"
        for task in small_bench.tasks
        for prompt, answer in small_bench.public(task, "train").head(50).select("prompt", "answer").iter_rows()
    ]
    tokenizer = train_tokenizer(texts, 900)
    torch.set_num_threads(1)  # a model this small gains nothing from more, and loses much beside other processes
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=1024,
        initializer_range=0.3,  # wide enough that no two tokens are nearly equally likely
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    folder = tmp_path_factory.mktemp("models") / "tiny-llama"
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def model(tiny_llama):
    """The tiny model, loaded anew for each file, whose tests may change how it answers."""
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(tiny_llama).eval()


@pytest.fixture(scope="module")
def tokenizer(tiny_llama):
    """The tiny model's tokenizer."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(tiny_llama)
