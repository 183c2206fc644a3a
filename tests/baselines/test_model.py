"""The model in training: packed examples do not see each other, and reading only what is learnt changes no loss."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from transformers import LlamaConfig, LlamaForCausalLM  # noqa: E402

from baselines.lcbm.model import NoSuchBase, learn_labels_only, start_model  # noqa: E402
from baselines.lcbm.packing import IGNORED  # noqa: E402
from baselines.lcbm.recipe import load_recipe  # noqa: E402

SIZE = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "vocab_size": 50}


def model():
    torch.manual_seed(0)
    return LlamaForCausalLM(LlamaConfig(**SIZE, tie_word_embeddings=True))


def loss_and_gradient(model, batch):
    model.zero_grad()
    loss = model(**batch).loss
    loss.backward()
    return loss.item(), model.model.embed_tokens.weight.grad.clone()


@pytest.mark.parametrize("counted", [None, 40])
def test_reading_only_what_is_learnt_gives_the_same_loss_and_gradient(counted):
    ids = torch.randint(0, 50, (3, 20), generator=torch.Generator().manual_seed(1))
    labels = ids.masked_fill(torch.arange(20) % 3 != 0, IGNORED)
    batch = {"input_ids": ids, "labels": labels} | ({} if counted is None else {"num_items_in_batch": counted})
    expected = loss_and_gradient(model(), batch)
    ours = model()
    learn_labels_only(ours)
    found = loss_and_gradient(ours, batch)
    assert found[0] == pytest.approx(expected[0], rel=1e-5)
    assert torch.allclose(found[1], expected[1], atol=1e-6)


def test_packed_examples_do_not_see_each_other():
    first, second = torch.arange(1, 9), torch.arange(20, 32)
    packed = torch.cat([first, second]).unsqueeze(0)
    positions = torch.cat([torch.arange(8), torch.arange(12)]).unsqueeze(0)
    ours = model()
    learn_labels_only(ours)
    logits = ours(input_ids=packed, position_ids=positions, labels=packed).logits[0]
    alone = [ours(input_ids=ids.unsqueeze(0), labels=ids.unsqueeze(0)).logits[0] for ids in (first, second)]
    assert torch.allclose(logits[:7], alone[0], atol=1e-5)
    assert torch.allclose(logits[8:], alone[1], atol=1e-5)


def test_a_missing_base_is_named(tmp_path):
    recipe = load_recipe("lcbm-13b", {"base": str(tmp_path)})
    with pytest.raises(NoSuchBase, match=str(tmp_path)):
        start_model(recipe, None, 0)


def test_pickled_weights_of_a_base_are_not_read(tmp_path):
    base = model()
    base.save_pretrained(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    torch.save(base.state_dict(), tmp_path / "pytorch_model.bin")
    recipe = load_recipe("lcbm-13b", {"base": str(tmp_path)})
    with pytest.raises(NoSuchBase, match="safetensors"):
        start_model(recipe, None, 0)
