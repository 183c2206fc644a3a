"""The LCBM with eyes: its parts as the paper has them, what knows the order of frames, and what each stage trains."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM  # noqa: E402
from transformers.models.blip_2.configuration_blip_2 import Blip2Config  # noqa: E402
from transformers.models.blip_2.modeling_blip_2 import Blip2Model  # noqa: E402

from baselines.lcbm.recipe import Vision  # noqa: E402
from baselines.lcbm.vision.configuration import LcbmVisionConfig  # noqa: E402
from baselines.lcbm.vision.gmhra import RelationBlock  # noqa: E402
from baselines.lcbm.vision.model import LcbmVision, WrongVisuals  # noqa: E402
from baselines.lcbm.vision.start import new_configuration  # noqa: E402

VISUAL = 49
TOWER = {
    **{"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 4, "num_attention_heads": 2},
    **{"image_size": 28, "patch_size": 14},
}
QFORMER = {
    **{"vocab_size": 10, "hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2},
    **{"intermediate_size": 48, "encoder_hidden_size": 32, "cross_attention_frequency": 2},
}
TEXT = {
    **{"model_type": "llama", "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2},
    **{"num_attention_heads": 2, "vocab_size": 50},
}


def small(seed: int = 0, **more) -> LcbmVision:
    torch.manual_seed(seed)
    sizes = {"relation_layers": 3, "relation_heads": 2, "queries": 3, "extra_queries": 2, "scene_queries": 2}
    parts = {"vision_config": dict(TOWER), "qformer_config": dict(QFORMER), "text_config": dict(TEXT)}
    return LcbmVision(LcbmVisionConfig(**parts, **{**sizes, "visual_token_id": VISUAL, **more})).eval()


def shaken(model: LcbmVision) -> LcbmVision:
    """The model with large random weights in all that sees, also where it begins with zeros."""
    torch.manual_seed(7)
    with torch.no_grad():
        for parameter in (*model.visual.parameters(), *model.project.parameters()):
            if parameter.ndim > 1 or not parameter.any():
                parameter.normal_(std=0.3)
    return model


def frames_of(sets: int = 2, count: int = 4) -> torch.Tensor:
    return torch.randn(sets, count, 3, 28, 28, generator=torch.Generator().manual_seed(1))


def texts(model: LcbmVision, sets: int = 2, length: int = 12) -> torch.Tensor:
    ids = torch.randint(0, 40, (sets, length), generator=torch.Generator().manual_seed(2))
    ids[:, 1 : 1 + model.config.visual_tokens] = VISUAL
    return ids


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def linear(inputs: int, outputs: int) -> int:
    return inputs * outputs + outputs


def test_full_size_has_the_shapes_and_the_parameters_of_the_paper():
    """SPEC 6: ViT-g of 39 layers, eight blocks of relations, a Q-Former of 768, 32 + 64 queries, Vicuna-13B's width."""
    text = {
        **{"model_type": "llama", "hidden_size": 5120, "intermediate_size": 13824, "num_hidden_layers": 40},
        **{"num_attention_heads": 40, "vocab_size": 32000},
    }
    with torch.device("meta"):
        model = LcbmVision(LcbmVisionConfig(text_config=text, visual_token_id=31999)).eval()
    width, mlp, query = 1408, 6144, 768
    norm, attention = 2 * width, linear(width, 3 * width) + linear(width, width)
    layer = 2 * norm + attention + linear(width, mlp) + linear(mlp, width)
    patches = 3 * 14 * 14 * width + width
    no_bias_of_keys = 39 * 3 * width - 39 * 3 * width  # BLIP-2 keeps one bias vector for queries, keys and values
    assert count(model.visual.tower) == 39 * layer + patches + width + 257 * width + norm + no_bias_of_keys
    block = 3 * norm + 27 * width + width + attention + linear(width, mlp) + linear(mlp, width)
    assert count(model.visual.relations) == 8 * block + width
    own = 4 * linear(query, query) + 2 * query
    cross = 2 * linear(query, query) + 2 * linear(width, query) + 2 * query
    feed = linear(query, 3072) + linear(3072, query) + 2 * query
    assert count(model.visual.qformer) == 12 * (own + feed) + 6 * cross + 2 * query
    assert model.visual.queries.shape == (1, 32, query) and model.visual.extra_queries.shape == (1, 64, query)
    assert count(model.project) == linear(query, 5120)
    assert len(model.visual.tower.encoder.layers) - model.config.relation_layers == 31, "layers 31 to 38 are read"
    features = model.see(torch.empty(1, 8, 3, 224, 224, device="meta"))
    assert features.shape == (1, 96, 768) and features.dtype == torch.float32
    _, layers = model.visual.layers(torch.empty(1, 8, 3, 224, 224, device="meta"))
    stored = sum(layer.numel() * 2 for layer in layers)
    assert [tuple(layer.shape) for layer in layers] == [(1, 8, 257, 1408)] * 8
    assert stored == pytest.approx(46e6, rel=0.02), "46 MB a video of 8 frames in float16"


def test_a_block_of_relations_is_what_the_paper_says():
    """Against the same written out with loops."""
    torch.manual_seed(0)
    block = RelationBlock(width=8, heads=2, mlp_width=12, dropout=0.5).eval()
    for parameter in block.parameters():
        nn.init.normal_(parameter, std=0.4)
    token, frames = torch.randn(1, 1, 8), torch.randn(1, 3, 1 + 4, 8)
    normed = block.frame_norm(frames)
    kernel, bias = block.position.weight, block.position.bias
    seen = normed.clone()
    for t in range(3):
        for row in range(2):
            for column in range(2):
                total = bias.clone()
                for dt in (-1, 0, 1):
                    for dr in (-1, 0, 1):
                        for dc in (-1, 0, 1):
                            if 0 <= t + dt < 3 and 0 <= row + dr < 2 and 0 <= column + dc < 2:
                                patch = normed[0, t + dt, 1 + 2 * (row + dr) + column + dc]
                                total = total + kernel[:, 0, dt + 1, dr + 1, dc + 1] * patch
                seen[0, t, 1 + 2 * row + column] = normed[0, t, 1 + 2 * row + column] + total
    keys = seen.reshape(15, 8)
    weight, offset = block.attention.in_proj_weight, block.attention.in_proj_bias
    query = block.query_norm(token)[0, 0] @ weight[:8].T + offset[:8]
    key, value = keys @ weight[8:16].T + offset[8:16], keys @ weight[16:].T + offset[16:]
    heads = []
    for head in (slice(0, 4), slice(4, 8)):
        shares = (key[:, head] @ query[head] / 4**0.5).softmax(0)
        heads.append(shares @ value[:, head])
    x = token[0, 0] + block.attention.out_proj(torch.cat(heads))
    x = x + block.mlp[3](nn.functional.gelu(block.mlp[0](block.mlp_norm(x))))
    assert torch.allclose(block(token, frames)[0, 0], x, atol=1e-5)


def test_a_new_model_sees_no_order_and_relations_add_nothing_yet():
    model, frames = small(), frames_of()
    assert not model.visual.relations(model.visual.layers(frames)[1]).any()
    assert not model.visual.extra_queries.any() and model.visual.queries.std() > 0
    assert torch.allclose(model.see(frames), model.see(frames[:, [2, 0, 3, 1]]), atol=1e-5)


def test_a_new_tower_tells_places_apart():
    """Equal patches at other places are clearly other features, and neighbours are more alike than distant ones."""
    sizes = {"image_size": 56, "patch_size": 14, "width": 32, "layers": 2, "heads": 2, "qformer_layers": 2}
    vision = Vision(**sizes, cross_every=1, relation_layers=2, scene_queries=2)
    torch.manual_seed(0)
    model = LcbmVision(new_configuration(vision, LlamaConfig(**TEXT), VISUAL)).eval()
    left = torch.zeros(1, 1, 3, 56, 56)
    left[..., :14, :14] = 1
    assert (model.see(left) - model.see(left.flip(-1))).abs().max() > 1e-2
    places = model.visual.tower.embeddings.position_embedding[0, 1:].reshape(4, 4, -1)
    steps = torch.stack([(places[0, 0] - places[0, column]).norm() for column in range(4)])
    assert (steps.diff() > 0).all()
    assert torch.allclose(steps, torch.stack([(places[0, 0] - places[row, 0]).norm() for row in range(4)]))


def test_only_the_convolution_of_the_relations_knows_the_order():
    model, frames = shaken(small()), frames_of()
    moved = frames[:, [2, 0, 3, 1]]
    assert (model.see(frames) - model.see(moved)).abs().max() > 1e-3
    with torch.no_grad():
        for block in model.visual.relations.blocks:
            block.position.weight.zero_()
    assert torch.allclose(model.see(frames), model.see(moved), atol=1e-4)


def test_without_relations_there_is_no_video_token():
    model, frames = shaken(small(relation_layers=0)), frames_of()
    assert not any("relations" in name for name, _ in model.named_parameters())
    seen = model.see(frames)
    assert torch.allclose(seen, model.see(frames[:, [2, 0, 3, 1]]), atol=1e-4)
    patches = model.visual.tower(frames.flatten(0, 1)).last_hidden_state[:, 1:].reshape(2, -1, 32)
    assert torch.allclose(seen, model.visual.ask(patches), atol=1e-4)


def test_timed_frames_are_known_by_their_times():
    model, frames = shaken(small(layout="timed")), frames_of()
    with torch.no_grad():
        for block in model.visual.relations.blocks:
            block.position.weight.zero_()
    times, order = torch.tensor([[0.1, 0.3, 0.6, 0.9]] * 2), [2, 0, 3, 1]
    seen = model.see(frames, times)
    assert torch.allclose(seen, model.see(frames[:, order], times[:, order]), atol=1e-4)
    assert (seen - model.see(frames[:, order], times)).abs().max() > 1e-3
    with pytest.raises(ValueError, match="needs the times"):
        model.see(frames)


def test_a_scene_is_seen_in_its_own_line_alone():
    model, frames = shaken(small(layout="scene")), frames_of(sets=3, count=2)
    seen = model.see(frames)
    assert seen.shape == (3, 2, 48), "two queries, of two frames each"
    other = frames.clone()
    other[1] = torch.randn(2, 3, 28, 28, generator=torch.Generator().manual_seed(9))
    changed = (model.see(other) - seen).abs().amax((1, 2)) > 1e-6
    assert changed.tolist() == [False, True, False]
    ids = torch.tensor([[1, VISUAL, VISUAL, 5, VISUAL, VISUAL, 6, VISUAL, VISUAL, 7]])
    before = model(ids, features=seen).logits
    after = model(ids, frames=other).logits
    first = torch.nonzero((before - after).abs().amax(2)[0] > 1e-6)[0].item()
    assert first == 4, "what stands before the second scene's tokens does not know of it"
    again = model(ids, features=seen, shown=torch.tensor([2, 1, 2])).logits
    expected = model(ids, features=seen[[2, 1, 2]]).logits
    assert torch.equal(again, expected), "a set may stand in several places"


def test_tokens_of_a_scene_are_those_of_its_frames_in_their_order():
    model, frames = shaken(small(layout="scene")), frames_of(sets=3, count=2)
    seen, turned = model.see(frames), model.see(frames.flip(1))
    assert (seen - turned).abs().max() > 1e-2
    model.visual.relations = None  # it alone reads both frames
    seen, turned = model.see(frames), model.see(frames.flip(1))
    assert torch.allclose(seen, torch.cat([turned[..., 24:], turned[..., :24]], 2), atol=1e-5)


def test_stored_features_give_the_same_loss_as_frames():
    model, frames = shaken(small()), frames_of()
    ids = texts(model)
    labels = ids.masked_fill(ids == VISUAL, -100)
    live = model(ids, frames=frames, labels=labels)
    stored = model(ids, features=model.see(frames).detach(), labels=labels)
    assert live.loss == stored.loss and live.loss > 0
    half = model(ids, features=model.see(frames).half(), labels=labels)
    assert half.loss.item() == pytest.approx(live.loss.item(), abs=1e-2)


def test_it_writes_what_step_by_step_reading_says():
    model, frames = shaken(small()), frames_of()
    with torch.no_grad():
        for parameter in model.llm.parameters():
            parameter.normal_(std=0.4)
    ids = texts(model)
    mask = torch.ones_like(ids)
    written = model.generate(ids, attention_mask=mask, frames=frames, max_new_tokens=6, do_sample=False, pad_token_id=0)
    by_hand = ids
    for _ in range(6):
        by_hand = torch.cat([by_hand, model(by_hand, frames=frames).logits[:, -1:].argmax(-1)], 1)
    assert torch.equal(written, by_hand)
    other = model.generate(ids, attention_mask=mask, frames=-frames, max_new_tokens=6, do_sample=False, pad_token_id=0)
    assert not torch.equal(written, other), "it looks"


def test_it_never_writes_a_place_for_what_is_seen():
    model = small()
    with torch.no_grad():
        model.llm.lm_head.weight.zero_()
        model.llm.model.norm.weight.fill_(1.0)
        model.llm.lm_head.weight[VISUAL] = 1.0
        model.llm.lm_head.weight[7] = -1.0
    ids = torch.tensor([[1, 2, 3]])
    written = model.generate(
        ids, attention_mask=torch.ones_like(ids), max_new_tokens=8, do_sample=False, pad_token_id=0
    )
    assert VISUAL not in written and written.shape == (1, 11)


def test_in_half_precision_the_q_former_stays_in_full(tmp_path):
    small().save_pretrained(tmp_path / "model")
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "model", dtype=torch.bfloat16).eval()
    kinds = {name: parameter.dtype for name, parameter in model.named_parameters()}
    full = {name for name, dtype in kinds.items() if dtype == torch.float32}
    assert full == {name for name in kinds if name.startswith("visual.qformer.") or "queries" in name}
    assert model.see(frames_of().bfloat16()).dtype == torch.float32
    assert model(texts(model), frames=frames_of().bfloat16()).logits.dtype == torch.bfloat16


def test_places_and_features_must_be_as_many():
    model, frames = small(), frames_of()
    ids = texts(model)
    ids[0, 1] = 3
    with pytest.raises(WrongVisuals, match="9 places for visual tokens and 10 features"):
        model(ids, frames=frames)
    with pytest.raises(WrongVisuals, match="9 places for visual tokens and 0 features"):
        model(ids)


def test_a_saved_model_is_the_same_and_opens_as_any_causal_model(tmp_path):
    model, frames = shaken(small(layout="timed")), frames_of()
    times = torch.rand(2, 4)
    model.save_pretrained(tmp_path / "model")
    assert [path.suffix for path in sorted((tmp_path / "model").iterdir())] == [".json", ".json", ".safetensors"]
    again = AutoModelForCausalLM.from_pretrained(tmp_path / "model", trust_remote_code=False).eval()
    assert isinstance(again, LcbmVision) and again.config.layout == "timed"
    ids = texts(model)
    assert torch.equal(again(ids, frames=frames, times=times).logits, model(ids, frames=frames, times=times).logits)
    with pytest.raises(ValueError, match="layout 'all' is none of video, timed, scene"):
        LcbmVisionConfig(layout="all")


@pytest.mark.parametrize("stage", [1, 2])
def test_a_stage_changes_its_parts_alone(stage):
    model, frames = shaken(small()), frames_of()
    (model.train_stage_1 if stage == 1 else model.train_stage_2)()
    before = {name: parameter.clone() for name, parameter in model.named_parameters()}
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.SGD(trained, lr=1.0)
    ids = texts(model)
    model(ids, frames=frames, labels=ids.masked_fill(ids == VISUAL, -100)).loss.backward()
    optimizer.step()
    changed = {name for name, parameter in model.named_parameters() if not torch.equal(parameter, before[name])}
    parts = {".".join(name.split(".")[:2]) if name.startswith("visual") else name.split(".")[0] for name in changed}
    if stage == 1:
        assert parts == {"visual.relations", "visual.tower", "visual.extra_queries", "project"}
        assert {name for name in changed if name.startswith("visual.tower")} == {
            "visual.tower.post_layernorm.weight",
            "visual.tower.post_layernorm.bias",
        }
        assert all(name in changed for name in before if ".mlp.3." in name or ".out_proj." in name)
    else:
        assert parts == {"project", "llm"}


def test_parts_are_taken_from_a_blip_2_and_a_language_model(tmp_path):
    torch.manual_seed(3)
    opt = {"model_type": "opt", "hidden_size": 16, "num_hidden_layers": 1, "ffn_dim": 16, "num_attention_heads": 2}
    opt |= {"vocab_size": 50, "word_embed_proj_dim": 16}
    blip = Blip2Model(Blip2Config(vision_config=TOWER, qformer_config=QFORMER, text_config=opt, num_query_tokens=3))
    blip.save_pretrained(tmp_path / "blip")
    llama = LlamaForCausalLM(LlamaConfig(**{key: value for key, value in TEXT.items() if key != "model_type"}))
    llama.save_pretrained(tmp_path / "llama")
    model = LcbmVision.from_parts(
        str(tmp_path / "blip"), str(tmp_path / "llama"), VISUAL, relation_layers=3, relation_heads=2, extra_queries=2
    ).eval()
    frames, blip = frames_of(), blip.eval()
    with torch.no_grad():
        states = blip.vision_model(frames[:, 0]).last_hidden_state
        query = blip.query_tokens.expand(2, -1, -1)
        own = model.visual.tower(frames[:, 0]).last_hidden_state
        assert torch.equal(own, states)
        asked = blip.qformer(query_embeds=query, encoder_hidden_states=states).last_hidden_state
        assert torch.equal(
            model.visual.qformer(model.visual.queries.expand(2, -1, -1), encoder_hidden_states=own)[0], asked
        )
    ids = torch.tensor([[1, 2, 3]])
    assert torch.equal(model(ids).logits, llama.eval()(ids).logits), "without pictures it is the language model"
