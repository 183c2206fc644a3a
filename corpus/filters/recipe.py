"""Filter recipes: one YAML lists the filters in their order, each with its settings.

recipe = load_filter_recipe("default")        # a shipped one (corpus/filters/recipes), or the path of a file
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from corpus.errors import CbcError
from corpus.filters.base import Filter
from corpus.filters.registry import FILTERS
from corpus.strict_model import first_fault

RECIPES = Path(__file__).parent / "recipes"
MEND = "see corpus/filters/recipes for an example"


class BadFilterRecipe(CbcError):
    """A filter recipe does not parse: an unknown key, a wrong value, or broken YAML."""


@dataclass(frozen=True)
class FilterRecipe:
    """The filters to run, one after the other."""

    name: str
    filters: tuple[Filter, ...]

    @property
    def settings(self) -> list[dict[str, Any]]:
        """The recipe with every default written out."""
        return [{each.name: each.model_dump(mode="json")} for each in self.filters]

    @property
    def digest(self) -> str:
        """Tells apart recipes that remove different messages."""
        return hashlib.sha256(json.dumps(self.settings, sort_keys=True).encode()).hexdigest()[:16]


def load_filter_recipe(named: str | Path) -> FilterRecipe:
    """Read a shipped recipe by its name, or a file. Raises BadFilterRecipe, UnknownName."""
    shipped = RECIPES / f"{named}.yaml"
    path = shipped if str(named) in _shipped() else Path(named)
    if not path.is_file():
        raise BadFilterRecipe(f"no recipe {named}", f"give a YAML file or one of {', '.join(_shipped())}")
    try:
        content: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadFilterRecipe(f"cannot read the recipe {path} ({str(error).splitlines()[0]})", MEND) from None
    if not isinstance(content, dict) or not isinstance(content.get("filters"), list) or not content["filters"]:
        raise BadFilterRecipe(f"the recipe {path} holds no list `filters`", MEND)
    if unknown := [key for key in content if key != "filters"]:
        raise BadFilterRecipe(f"the recipe {path}: unknown key {unknown[0]}", MEND)
    return FilterRecipe(path.stem, tuple(_filter(path, item) for item in content["filters"]))


def _shipped() -> list[str]:
    return sorted(path.stem for path in RECIPES.glob("*.yaml"))


def _filter(path: Path, item: Any) -> Filter:
    """One filter of the list: its name, alone or with its settings."""
    given = {item: None} if isinstance(item, str) else item
    if not isinstance(given, dict) or len(given) != 1:
        raise BadFilterRecipe(
            f"the recipe {path}: {str(item)[:60]!r} is no filter", "give each as `- NAME: {SETTINGS}`"
        )
    ((name, settings),) = given.items()
    made = FILTERS[str(name)]
    try:
        return made.model_validate({} if settings is None else settings)
    except ValidationError as error:
        raise BadFilterRecipe(f"the recipe {path}: {first_fault(error, name)}", MEND) from None
