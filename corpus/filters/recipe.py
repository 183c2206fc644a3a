"""Filter recipes: one YAML lists the filters in their order, each with its settings.

recipe = load_filter_recipe("default")        # a shipped one (corpus/filters/recipes), or the path of a file
recipe = recipe.in_languages(["en", "de"])    # and nothing in other languages
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from corpus.errors import CbcError
from corpus.filters.base import Filter
from corpus.filters.registry import FILTERS
from corpus.strict_model import first_fault, yaml_fault

RECIPES = Path(__file__).parent / "recipes"
MEND = "see corpus/filters/recipes for an example"


class BadFilterRecipe(CbcError):
    """A filter recipe does not parse: an unknown key, a wrong value, or broken YAML."""


@dataclass(frozen=True)
class FilterRecipe:
    """The filters to run, in their order; `arguments` of `cbc corpus filter` name the same recipe again."""

    name: str
    filters: tuple[Filter, ...]
    arguments: tuple[str, ...] = ()

    @property
    def settings(self) -> list[dict[str, Any]]:
        """The recipe with every default written out."""
        return [{each.name: each.model_dump(mode="json")} for each in self.filters]

    @property
    def digest(self) -> str:
        """Digest of the settings: recipes that may remove different messages have different ones."""
        return hashlib.sha256(json.dumps(self.settings, sort_keys=True).encode()).hexdigest()[:16]

    def in_languages(self, languages: Sequence[str]) -> FilterRecipe:
        """The recipe with a filter before all others that keeps these languages (ISO 639). Raises BadFilterRecipe."""
        from corpus.filters.language import DetectedLanguage

        if any(isinstance(each, DetectedLanguage) for each in self.filters):
            raise BadFilterRecipe(f"the recipe {self.name} names its languages itself", "leave --language out")
        first = _made("--language", DetectedLanguage.name, {"languages": list(languages)})
        option = ("--language", ",".join(languages))
        return FilterRecipe(" ".join([self.name, *option]), (first, *self.filters), (*self.arguments, *option))


def load_filter_recipe(recipe: str | Path) -> FilterRecipe:
    """Read a shipped recipe by its name, or a file. Raises BadFilterRecipe, UnknownName."""
    shipped = str(recipe) in _shipped()
    path = RECIPES / f"{recipe}.yaml" if shipped else Path(recipe)
    if not path.is_file():
        raise BadFilterRecipe(f"no recipe {recipe}", f"give a YAML file or one of {', '.join(_shipped())}")
    try:
        content: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadFilterRecipe(f"cannot read the recipe {path} ({yaml_fault(error)})", MEND) from None
    if not isinstance(content, dict) or not isinstance(content.get("filters"), list) or not content["filters"]:
        raise BadFilterRecipe(f"the recipe {path} holds no list `filters`", MEND)
    if unknown := [key for key in content if key != "filters"]:
        raise BadFilterRecipe(f"the recipe {path}: unknown key {unknown[0]}", MEND)
    filters = tuple(_filter(f"the recipe {path}", item) for item in content["filters"])
    return FilterRecipe(path.stem, filters, (str(recipe if shipped else path.resolve()),))


def _shipped() -> list[str]:
    return sorted(path.stem for path in RECIPES.glob("*.yaml"))


def _filter(where: str, item: Any) -> Filter:
    """One filter of the list: its name, alone or with its settings."""
    entry = {item: None} if isinstance(item, str) else item
    if not isinstance(entry, dict) or len(entry) != 1:
        raise BadFilterRecipe(f"{where}: {str(item)[:60]!r} is no filter", "give each as `- NAME: {SETTINGS}`")
    ((name, settings),) = entry.items()
    return _made(where, name, settings)


def _made(where: str, name: object, settings: Any) -> Filter:
    """A filter with its settings. Raises BadFilterRecipe, UnknownName."""
    made = FILTERS[str(name)]
    try:
        return made.model_validate({} if settings is None else settings)
    except ValidationError as error:
        raise BadFilterRecipe(f"{where}: {first_fault(error, str(name))}", MEND) from None
