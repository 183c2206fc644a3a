"""Fill templates as HTML: everything is escaped, and a page may load nothing but its own style and script."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from leaderboard import words
from leaderboard.palette import css

TEMPLATES = Path(__file__).parent / "templates"


def page_style() -> str:
    """The style sheet of all pages."""
    return css() + (TEMPLATES / "page.css").read_text("utf-8")


def policy(style: str, script: str) -> str:
    """Content security policy: this style and this script, and nothing else."""

    def digest(text: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    return (
        f"default-src 'none'; img-src data:; style-src {digest(style)}; script-src {digest(script)}; "
        "base-uri 'none'; form-action 'none'"
    )


def displayable(value: Any) -> Any:
    """Make a value safe to display: text without characters that break a page."""
    return words.visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def environment(more: Mapping[str, Any] | None = None) -> Environment:
    """Jinja environment that escapes everything, since texts come from outside; `more` adds globals."""
    templates = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        finalize=displayable,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {
        "metric": words.metric,
        "condition": words.condition,
        "kind": words.kind,
        "number": words.number,
    }
    templates.globals |= {
        "unit": words.unit,
        "skill_unit": words.skill_unit,
        "short_skill_unit": words.short_skill_unit,
        "direction": words.direction,
        **(more or {}),
    }
    return templates
