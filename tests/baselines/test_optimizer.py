"""Muon and AdamW as one optimizer: each parameter in its part, one schedule for both, and states that go on."""

from __future__ import annotations

import io

import pytest

torch = pytest.importorskip("torch")

from torch.optim import AdamW, Muon  # noqa: E402
from torch.optim.lr_scheduler import LambdaLR  # noqa: E402
from transformers import LlamaConfig, LlamaForCausalLM  # noqa: E402

from baselines.lcbm.optimizer import FullPrecisionMuon, MuonAdamW, orthogonalize, split_parameters  # noqa: E402

OTHER = {"lr": 3e-3, "betas": (0.9, 0.98)}


def small(tied: bool = True) -> LlamaForCausalLM:
    torch.manual_seed(0)
    size = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    return LlamaForCausalLM(LlamaConfig(vocab_size=40, tie_word_embeddings=tied, **size))


def step(model, optimizer, number: int) -> None:
    ids = torch.arange(8).reshape(1, 8) + number
    optimizer.zero_grad()
    model(input_ids=ids, labels=ids).loss.backward()
    optimizer.step()


@pytest.mark.parametrize("tied", [True, False])
def test_the_layers_matrices_are_muons_and_all_else_adamws(tied):
    model = small(tied)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    matrices, others = ([names[id(found)] for found in part] for part in split_parameters(model))
    assert len(matrices) == 7 and all(name.endswith("_proj.weight") for name in matrices)
    vocabulary = {"model.embed_tokens.weight"} | (set() if tied else {"lm_head.weight"})
    assert {name for name in others if "norm" not in name} == vocabulary
    assert len(matrices) + len(others) == len(names)


def test_it_steps_as_the_two_alone_do():
    one, two = small(), small()
    both = MuonAdamW(one, 0.02, OTHER, 0.0)
    matrices, others = split_parameters(two)
    alone = [FullPrecisionMuon(matrices, lr=0.02, weight_decay=0.0), AdamW(others, weight_decay=0.0, **OTHER)]
    for number in range(3):
        step(one, both, number)
        ids = torch.arange(8).reshape(1, 8) + number
        for part in alone:
            part.zero_grad()
        two(input_ids=ids, labels=ids).loss.backward()
        for part in alone:
            part.step()
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))


@pytest.mark.parametrize("shape", [(24, 8), (8, 24), (16, 16)])
def test_full_precision_muon_steps_as_that_of_torch_but_for_rounding(shape):
    torch.manual_seed(0)
    start = torch.randn(shape)
    ours, theirs = torch.nn.Parameter(start.clone()), torch.nn.Parameter(start.clone())
    settings = {"lr": 0.02, "momentum": 0.95, "weight_decay": 0.1}
    optimizers = [FullPrecisionMuon([ours], **settings), Muon([theirs], **settings)]
    for _ in range(3):
        ours.grad = torch.randn(shape)
        theirs.grad = ours.grad.clone()
        for optimizer in optimizers:
            optimizer.step()
    moved = torch.linalg.norm(theirs - start)
    assert torch.linalg.norm(ours - theirs) < 0.03 * moved  # bf16 keeps eight bits, through fifteen products


@pytest.mark.parametrize("shape", [(24, 8), (8, 24), (16, 16)])
def test_orthogonalizing_is_a_polynomial_of_the_singular_values(shape):
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    first, second, third = 3.4445, -4.775, 2.0315
    left, values, right = torch.linalg.svd(matrix.double(), full_matrices=False)
    values = values / torch.linalg.norm(values)
    for _ in range(5):
        values = first * values + second * values**3 + third * values**5
    expected = (left * values) @ right
    assert torch.allclose(orthogonalize(matrix, (first, second, third), 5).double(), expected, atol=1e-4)


def test_a_schedule_moves_both_rates_also_after_a_state_was_taken_up():
    model = small()
    before = MuonAdamW(model, 0.02, OTHER, 0.0)
    step(model, before, 0)
    optimizer = MuonAdamW(model, 0.02, OTHER, 0.0)
    schedule = LambdaLR(optimizer, lambda number: 0.5**number)
    optimizer.load_state_dict(before.state_dict())
    step(model, optimizer, 1)
    schedule.step()
    assert [part.param_groups[0]["lr"] for part in optimizer.parts] == [0.01, 0.0015]


def test_a_saved_state_goes_on_to_the_same_weights():
    whole, first = small(), small()
    optimizer = MuonAdamW(whole, 0.02, OTHER, 0.0)
    for number in range(4):
        step(whole, optimizer, number)
    half = MuonAdamW(first, 0.02, OTHER, 0.0)
    for number in range(2):
        step(first, half, number)
    saved = io.BytesIO()
    torch.save(half.state_dict(), saved)
    saved.seek(0)
    second = small()
    second.load_state_dict(first.state_dict())
    rest = MuonAdamW(second, 0.02, OTHER, 0.0)
    rest.load_state_dict(torch.load(saved, weights_only=True))
    for number in range(2, 4):
        step(second, rest, number)
    assert all(torch.equal(a, b) for a, b in zip(whole.parameters(), second.parameters(), strict=True))
