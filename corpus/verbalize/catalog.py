"""Every template by name and version, and the wordings that stand the same in every text made from them."""

from __future__ import annotations

import re

from corpus.verbalize import post, verbalize, video
from corpus.verbalize.template import Template

MODULES = (video, post, verbalize)


def templates() -> dict[str, Template]:
    """The templates by NAME@VERSION."""
    named = [value for module in MODULES for value in vars(module).values()]
    forms = [form for form in named if isinstance(form, video.VideoForm)]
    found = named + [part for form in forms for part in (form.prompt, form.scene, form.answer)]
    return {template.label: template for template in found if isinstance(template, Template)}


def frames(shortest: int = 4) -> list[str]:
    """The fixed wordings of the templates, without the space before a field; heads of scenes 1 to 100 among them."""
    plain = {
        text.rstrip(" ")
        for template in templates().values()
        for text in re.split(r"\{\w+\}|(?<!\\)[\[\]]", template.text)
    }
    heads = [head for number in range(1, 101) for head in (f"scene {number}:", f" <mask {number}>")]
    return (
        sorted(text for text in plain if len(text.strip()) >= shortest and text.strip() not in ("scene", "<mask"))
        + heads
    )
