"""Captions, objects and actions of the frames sampled in each replay scene, by BLIP-2, as in the paper (section 3)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
from pydantic import Field

from corpus.annotate.base import Row
from corpus.annotate.media import Listener, MediaAnnotator, Message
from corpus.annotate.model_folders import model_folder, model_hash
from corpus.annotate.sampled_frames import SampledFrames, are_alike
from corpus.annotate.screen_text import COMPARED
from corpus.media.clip import Decoded, Picture, Pixels
from corpus.strict_model import StrictModel

ARTICLES = re.compile(r"^(?:an?|the|some)\s+", re.IGNORECASE)
BETWEEN = re.compile(r",|;|\band\b")
LARGEST = 448  # pixels on the longer side of frames that wait; the model's own size is smaller


class CaptionSettings(StrictModel):
    """The model (a folder or a name at the hub), how many frames it reads at once, and what it is asked."""

    model: str = "Salesforce/blip2-opt-2.7b"
    batch: int = Field(default=8, ge=1, le=256)
    longest: int = Field(default=24, ge=1, le=200)
    """Tokens of an answer."""
    captions: str = ""
    objects: str = "Question: which objects are in this picture? Answer:"
    actions: str = "Question: what is happening in this picture? Answer:"


class Captions(MediaAnnotator):
    """Annotate the captions of both frames of a replay scene, the objects in them, and what happens."""

    name = "captions"
    version = 1
    columns = dict.fromkeys(("captions", "objects", "actions"), pa.list_(pa.string()))
    fills = ("scene.captions", "scene.objects", "scene.actions")
    sees = True
    packages = ("torch", "transformers")
    memory_bytes = 24_000_000_000
    patience = 20.0
    settings_class = CaptionSettings

    def __init__(self, settings: dict[str, Any] | None = None) -> None:
        super().__init__(settings)
        self.captioner: Captioner | None = None

    def models(self) -> list[str]:
        return [model_hash(self.settings.model)]

    def listen(self, message: Message, below: Mapping[str, Listener]) -> Listener:
        if self.captioner is None:
            self.captioner = Captioner(self.settings)
        return Described(message, self.captioner)


class Captioner:
    """A BLIP-2 model, loaded from safetensors; it answers greedily."""

    def __init__(self, settings: CaptionSettings) -> None:
        import torch
        from transformers import AutoTokenizer, Blip2ForConditionalGeneration, BlipImageProcessorPil

        folder = model_folder(settings.model)
        self.settings, self.torch = settings, torch
        self.processor = BlipImageProcessorPil.from_pretrained(folder)
        self.tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left", trust_remote_code=False)
        self.model = Blip2ForConditionalGeneration.from_pretrained(folder, use_safetensors=True, dtype="auto").eval()

    def describe(self, pictures: Sequence[Pixels]) -> list[tuple[str, list[str], str]]:
        """Caption, objects and action of each picture, [height, width, RGB]."""
        pixels = self.processor(list(pictures), return_tensors="pt")["pixel_values"].to(self.model.dtype)
        settings = self.settings
        captions, objects, actions = (
            self.answer(pixels, prompt) for prompt in (settings.captions, settings.objects, settings.actions)
        )
        return list(zip(captions, map(list_of, objects), actions, strict=True))

    def answer(self, pixels: Any, prompt: str) -> list[str]:
        """What the model says of each picture after a prompt; [pictures, 3, height, width]."""
        visual = [self.model.config.image_token_index] * self.model.config.num_query_tokens
        tokens = self.torch.tensor([visual + self.tokenizer(prompt)["input_ids"]]).expand(len(pixels), -1)
        with self.torch.no_grad():
            written = self.model.generate(
                pixel_values=pixels, input_ids=tokens, max_new_tokens=self.settings.longest, do_sample=False
            )
        answers = written[:, tokens.shape[1] :] if written.shape[1] > tokens.shape[1] else written
        return [" ".join(text.split()) for text in self.tokenizer.batch_decode(answers, skip_special_tokens=True)]


def list_of(text: str) -> list[str]:
    """What a sentence lists, without articles, each once."""
    objects = (ARTICLES.sub("", part.strip(" .!?\n")).lower() for part in BETWEEN.split(text))
    return list(dict.fromkeys(filter(None, objects)))


class Described(SampledFrames):
    """Collect the distinct frames of one file and have them described in batches."""

    def __init__(self, message: Message, captioner: Captioner) -> None:
        super().__init__(message)
        self.captioner = captioner
        self.of_scene: list[list[int]] = [[] for _ in message.scenes]
        self.waiting: list[Pixels] = []
        self.described: list[tuple[str, list[str], str]] = []
        self.last_seen: Pixels | None = None

    def frame(self, scene: int, picture: Picture, small: Pixels) -> None:
        seen = picture.upright(COMPARED)
        if not are_alike(self.last_seen, seen):
            self.last_seen = seen
            self.waiting.append(picture.upright(LARGEST))
        place = len(self.described) + len(self.waiting) - 1
        if place not in self.of_scene[scene]:
            self.of_scene[scene].append(place)
        if len(self.waiting) >= self.captioner.settings.batch:
            self._describe()

    def _describe(self) -> None:
        if self.waiting:
            self.described += self.captioner.describe(self.waiting)
        self.waiting = []

    def finish(self, decoded: Decoded) -> None:
        super().finish(decoded)
        self._describe()

    def rows(self) -> Iterator[Row]:
        for (start_s, end_s), places in zip(self.message.scenes, self.of_scene, strict=True):
            frames = [self.described[place] for place in places]
            cells = {
                "captions": [caption for caption, _, _ in frames if caption],
                "objects": list(dict.fromkeys(name for _, objects, _ in frames for name in objects)),
                "actions": list(dict.fromkeys(action for _, _, action in frames if action)),
            }
            if any(cells.values()):
                yield {"start_s": start_s, "end_s": end_s, **cells}
