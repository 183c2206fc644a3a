"""Every template by name and version, and the wordings that stand the same in every text made from them."""

from __future__ import annotations

import re

from corpus.verbalize import post, video
from corpus.verbalize.kinds.post import POST
from corpus.verbalize.kinds.video import VIDEO
from corpus.verbalize.template import Template
from corpus.verbalize.verbalize import KINDS


def templates() -> dict[str, Template]:
    """All templates by NAME@VERSION."""
    return task_templates() | {template.label: template for kind in KINDS for template in kind.templates}


def task_templates() -> dict[str, Template]:
    """The templates of what tasks ask about, questions and plain texts."""
    named = [value for module in (video, post) for value in vars(module).values()]
    forms = [form for form in named if isinstance(form, video.VideoForm)]
    parts = [part for form in forms for part in (form.prompt, form.scene, form.answer)]
    return {template.label: template for template in (*named, *parts, POST, VIDEO) if isinstance(template, Template)}


def frames(shortest: int = 4) -> list[str]:
    """The fixed wordings of the tasks' templates, without the space before a field, and heads of scenes 1 to 100.

    The head of a line stands there also with the line end before it.
    """
    plain = {
        text.rstrip(" ")
        for template in task_templates().values()
        for text in re.split(r"\{\w+\}|(?<!\\)[\[\]]", template.text)
    }
    heads = [head for number in range(1, 101) for head in (f"scene {number}:", f" <mask {number}>")]
    line_heads = {f"\n{text}" for text in plain if re.fullmatch(r"\w+:", text)}
    wordings = {text for text in plain if len(text.strip()) >= shortest and text.strip() not in ("scene", "<mask")}
    return sorted(wordings | line_heads) + heads
