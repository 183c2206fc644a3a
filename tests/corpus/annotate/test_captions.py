"""Captions, objects and actions: BLIP-2's own answers about the sampled frames, in batches, each picture once."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("av")
torch = pytest.importorskip("torch")

from tokenizers import Tokenizer, decoders, models, pre_tokenizers  # noqa: E402
from transformers import BlipImageProcessorPil, PreTrainedTokenizerFast  # noqa: E402
from transformers.models.blip_2.configuration_blip_2 import Blip2Config  # noqa: E402
from transformers.models.blip_2.modeling_blip_2 import Blip2ForConditionalGeneration  # noqa: E402

from corpus.annotate.captions import Captioner, Captions, CaptionSettings, Described, list_of  # noqa: E402
from corpus.annotate.choose import choose_annotators  # noqa: E402
from corpus.annotate.media import Message  # noqa: E402
from corpus.annotate.media_run import annotate_media, labels_of  # noqa: E402
from corpus.annotate.model_folders import NoModelFolder, model_folder, model_hash  # noqa: E402
from corpus.media.clip import Facts  # noqa: E402
from tests.corpus.annotate.test_media import chosen, corpus_of, view  # noqa: E402
from tests.corpus.annotate.test_speech_and_text import listened  # noqa: E402
from tests.corpus.media.made_clips import colours_in_turn, make_clip  # noqa: E402
from tests.corpus.sources.mapped import rows  # noqa: E402

COLOURS = ((200, 0, 0), (0, 180, 0), (0, 0, 200), (220, 220, 0), (200, 0, 200))


@pytest.fixture(scope="module")
def tiny_blip(tmp_path_factory):
    """A BLIP-2 of random weights whose answers depend on what it sees."""
    folder = tmp_path_factory.mktemp("blip") / "tiny-blip"
    letters = {letter: number for number, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    of_letters = Tokenizer(models.BPE(vocab={**letters, "<pad>": 256, "<end>": 257}, merges=[]))
    of_letters.pre_tokenizer, of_letters.decoder = pre_tokenizers.ByteLevel(), decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=of_letters, pad_token="<pad>", eos_token="<end>")
    torch.manual_seed(0)
    config = Blip2Config(
        vision_config={
            **{"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2},
            **{"image_size": 28, "patch_size": 14, "initializer_range": 0.5},
        },
        qformer_config={
            **{"vocab_size": 10, "hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2},
            **{"intermediate_size": 48, "encoder_hidden_size": 32, "initializer_range": 0.5},
        },
        text_config={
            **{"model_type": "opt", "hidden_size": 16, "num_hidden_layers": 1, "ffn_dim": 16},
            **{"num_attention_heads": 2, "vocab_size": len(tokenizer) + 1, "word_embed_proj_dim": 16},
            **{"init_std": 0.5, "max_position_embeddings": 128, "pad_token_id": tokenizer.pad_token_id},
        },
        num_query_tokens=4,
        image_token_index=len(tokenizer),
        initializer_range=0.5,
    )
    Blip2ForConditionalGeneration(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    BlipImageProcessorPil(size={"height": 28, "width": 28}).save_pretrained(folder)
    return folder


def test_each_scene_has_what_the_model_says_of_its_frames(tiny_blip, tmp_path):
    corpus = corpus_of(tmp_path, "aaaaaaaaaaa")
    make_clip(corpus / "media" / "aaaaaaaaaaa.mp4", colours_in_turn(*COLOURS, each_s=2), duration_s=10)
    settings = (f"captions.model={tiny_blip}", "captions.batch=2", "captions.longest=8")
    annotate_media(corpus, chosen("captions", *settings), workers=1)
    told = rows(corpus, f'SELECT start_s, captions, objects, actions FROM "{view(corpus, "captions")}" ORDER BY 1')
    assert len(told) == 10 and all(told[2 * n][1:] == told[2 * n + 1][1:] for n in range(5)), "two scenes a colour"
    captioner = Captioner(CaptionSettings(model=str(tiny_blip), longest=8))
    pictures = [np.full((96, 160, 3), colour, np.uint8) for colour in COLOURS]
    assert len({str(row[1:]) for row in told}) >= 3, "it says other things of other pictures"
    assert all(len(row[1]) <= 1 for row in told), "two frames alike have one caption"
    assert len(captioner.describe(pictures)) == 5
    assert rows(corpus, "SELECT captions_from, actions_from FROM scene") == [(view(corpus, "captions"),) * 2]


def test_a_batch_says_what_each_picture_says_alone(tiny_blip):
    captioner = Captioner(CaptionSettings(model=str(tiny_blip), longest=10))
    random = np.random.default_rng(0)
    pictures = [random.integers(0, 255, (40 + 10 * n, 60, 3), np.uint8) for n in range(4)]
    together = captioner.describe(pictures)
    assert together == [captioner.describe([picture])[0] for picture in pictures]
    assert len({caption for caption, _, _ in together}) > 1


class Saying:
    """Describes a picture by how many it has seen."""

    def __init__(self, batch):
        self.settings = CaptionSettings(model="none", batch=batch)
        self.batches = []

    def describe(self, pictures):
        first = sum(self.batches)
        self.batches.append(len(pictures))
        return [(f"picture {first + n}", [f"thing {first + n}", "sky"], "") for n in range(len(pictures))]


@pytest.mark.parametrize("batch", [1, 2, 3, 8])
def test_each_picture_is_described_once_in_batches(tmp_path, batch):
    clip = make_clip(tmp_path / "a.mp4", colours_in_turn(*COLOURS, each_s=2), duration_s=10)
    captioner = Saying(batch)
    told = listened(Described(Message("youtube:a", Facts(duration_s=10.0)), captioner), clip)
    assert sum(captioner.batches) == 5 and max(captioner.batches) <= batch
    assert [row["captions"] for row in told] == [[f"picture {n // 2}"] for n in range(10)]
    assert told[9]["objects"] == ["thing 4", "sky"] and told[9]["actions"] == []


@pytest.mark.parametrize(
    ("text", "things"),
    [
        ("a dog, a ball and the sky", ["dog", "ball", "sky"]),
        ("An apple; some bread; an apple.", ["apple", "bread"]),
        ("", []),
        (" , and ", []),
        ("sand and brandy", ["sand", "brandy"]),
    ],
)
def test_things_are_listed_without_articles_each_once(text, things):
    assert list_of(text) == things


def test_other_models_and_prompts_are_other_annotations(tiny_blip):
    usual, asked = (
        labels_of(chosen("captions", f"captions.model={tiny_blip}", *more))
        for more in ((), ("captions.objects=What is sold here?",))
    )
    assert usual != asked and usual["captions"].startswith("captions@1-")


def test_pickled_weights_and_unknown_models_are_refused(tiny_blip, tmp_path, monkeypatch):
    (tmp_path / "pytorch_model.bin").write_bytes(b"x")
    with pytest.raises(NoModelFolder, match="no safetensors weights"):
        model_folder(str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(NoModelFolder, match="nobody/nothing is no folder, and the hub does not give it"):
        model_hash("nobody/nothing")
    assert isinstance(choose_annotators("captions", [f"captions.model={tiny_blip}"])[1]["captions"], Captions)
