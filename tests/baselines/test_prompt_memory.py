"""Prompts that begin alike are read once, and answered as if each were read anew."""

from __future__ import annotations

import random

import pytest

torch = pytest.importorskip("torch")

from lm_eval.api.instance import Instance  # noqa: E402

from baselines import prompt_memory  # noqa: E402
from baselines.prompt_memory import PromptMemory  # noqa: E402
from baselines.reader import Reader, growing_cache  # noqa: E402

OPTIONS = {"until": ["\n\n"], "max_gen_toks": 12, "do_sample": False}


@pytest.fixture(scope="module")
def emptied(small_bench) -> list[str]:
    """A prompt, and the same without the content of each of its lines, the last first."""
    (whole,) = small_bench.public("replay_future", "test")["prompt"].head(1)
    lines = whole.split("\n")
    texts = ["\n".join([*lines[:n], lines[n][:2], *lines[n + 1 :]]) for n in reversed(range(len(lines)))]
    return [whole, *texts]


def answers(reader: Reader, texts: list[str]) -> list[str]:
    asked = [Instance("generate_until", {}, (text, dict(OPTIONS)), n) for n, text in enumerate(texts)]
    return reader.generate_until(asked)


def count_read(model, calls: list[int]):
    """Count the tokens of each call of a model."""
    return model.register_forward_pre_hook(
        lambda _, __, given: calls.append(given["input_ids"].numel()), with_kwargs=True
    )


@pytest.mark.parametrize("at_once", [7, 512])
def test_answers_are_those_of_a_reader_that_remembers_nothing(model, tokenizer, emptied, monkeypatch, at_once):
    monkeypatch.setattr(prompt_memory, "AT_ONCE", at_once)
    plain, remembering = Reader(model, tokenizer, 1), Reader(model, tokenizer, 1)
    remembering.memory = PromptMemory()
    shuffled = [*emptied, "answer:", emptied[0], emptied[0], "answer:"]
    random.Random(0).shuffle(shuffled)
    for texts in (emptied, shuffled):
        expected = answers(plain, texts)
        assert answers(remembering, texts) == expected
        assert len(set(expected)) > 3


def test_keys_and_values_are_those_of_the_whole_prompt(model, tokenizer, emptied):
    memory = PromptMemory()
    for text in emptied:
        tokens = torch.tensor(tokenizer(text)["input_ids"])
        cache = memory.read(model, tokens, growing_cache(model))
        assert cache.get_seq_length() == len(tokens) - 1
        with torch.no_grad():
            whole = model(tokens[None], use_cache=True)
            last = model(tokens[None, -1:], past_key_values=cache, use_cache=True).logits[0, -1]
        torch.testing.assert_close(last, whole.logits[0, -1], atol=1e-4, rtol=1e-4)
        for mine, own in zip(cache.layers, whole.past_key_values.layers, strict=True):
            torch.testing.assert_close(mine.keys, own.keys, atol=1e-4, rtol=1e-4)
            torch.testing.assert_close(mine.values, own.values, atol=1e-4, rtol=1e-4)


def test_common_beginnings_are_read_once(model, tokenizer, emptied):
    lengths = [len(tokenizer(text)["input_ids"]) for text in emptied]
    reader = Reader(model, tokenizer, 1)
    reader.memory = PromptMemory()
    calls: list[int] = []
    hook = count_read(model, calls)
    answers(reader, emptied)
    hook.remove()
    written = len(emptied) * OPTIONS["max_gen_toks"]
    assert sum(calls) < 0.6 * sum(lengths) + written
    calls.clear()
    hook = count_read(model, calls)
    answers(reader, emptied[-1:] * 5)
    hook.remove()
    assert max(calls) == 1, "of a prompt that was just read only the last token is read again"


def test_what_is_shown_differently_is_read_again(model):
    """Equal tokens of which some show something else, as those of a scene whose frames are grey."""
    visual = 5
    model.config.visual_token_id = visual
    memory, shown = PromptMemory(), torch.arange(8.0).reshape(4, 2)
    memory.tokens = torch.tensor([1, visual, visual, 2, visual, visual, 3, 4])
    memory.shown = shown
    places = memory.tokens == visual
    other = shown.clone()
    other[2] = 9
    assert memory.count_common(memory.tokens, places, shown) == 8
    assert memory.count_common(memory.tokens, places, other) == 4
    assert memory.count_common(memory.tokens[:3], places[:3], shown[:2]) == 3
    blind = torch.tensor([1, 2])
    assert memory.count_common(blind, blind == visual, torch.zeros(0, 0)) == 1
    del model.config.visual_token_id


class Tower:
    """Sees the mean of each frame's set, and counts the sets."""

    def __init__(self) -> None:
        self.count = 0

    def see(self, frames: torch.Tensor, times: torch.Tensor) -> torch.Tensor:
        self.count += len(frames)
        return torch.stack([frames.mean((1, 2)), times.mean(1)], 1)[:, None]


def test_a_set_of_frames_is_seen_once_and_again_at_another_time():
    memory, tower = PromptMemory(), Tower()
    frames, times = torch.rand(3, 2, 4), torch.tensor([[0.0, 1.0]] * 3)
    first = memory.look(tower, frames, times)
    torch.testing.assert_close(first, Tower().see(frames, times))
    assert torch.equal(memory.look(tower, frames.flip(0), times), first.flip(0)) and tower.count == 3
    memory.look(tower, frames, times / 2)
    assert tower.count == 6
