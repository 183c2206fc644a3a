"""The annotators that a command names, with their settings, in the order in which they rest on each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

from pydantic import ValidationError

from corpus.annotate.base import Annotator, MessageAnnotator, NoSettings
from corpus.annotate.registry import ANNOTATORS
from corpus.errors import CbcError
from corpus.media_packages import need_packages, not_installed
from corpus.strict_model import first_fault

if TYPE_CHECKING:
    from corpus.annotate.media import MediaAnnotator

A = TypeVar("A", bound=Annotator)


class WrongSetting(CbcError):
    """A setting of an annotator that it does not have, or that has a wrong value."""


def choose_annotators(names: str, settings: Sequence[str]) -> tuple[list[MessageAnnotator], dict[str, MediaAnnotator]]:
    """The annotators of text, and those of media by name, which what they rest on precedes.

    Raises UnknownName, WrongSetting, NoMediaPackages.
    """
    chosen = list(dict.fromkeys(name.strip() for name in names.split(",")))
    of_name = read_settings(settings)
    of_text: list[MessageAnnotator] = []
    of_media: dict[str, MediaAnnotator] = {}

    def add(name: str) -> None:
        annotator_class = annotator_named(name)
        if issubclass(annotator_class, MessageAnnotator):
            if annotator_class.settings_class is not NoSettings:
                of_text.append(make(annotator_class, of_name.get(name, {})))
            elif name in of_name:
                raise WrongSetting(f"{name} has no settings", f"leave out --set {name}.…")
            else:
                of_text.append(annotator_class())
        elif name not in of_media:
            media_class = cast("type[MediaAnnotator]", annotator_class)
            for below in media_class.rests_on:
                add(below)
            of_media[name] = make(media_class, of_name.get(name, {}))

    for name in chosen:
        add(name)
    if unused := [name for name in of_name if name not in chosen and name not in of_media]:
        raise WrongSetting(f"--set {unused[0]}.… is of an annotator that does not run", f"add {unused[0]} to --with")
    return of_text, of_media


def annotator_named(name: str) -> type[Annotator]:
    """The class of an annotator. Raises UnknownName, NoMediaPackages."""
    try:
        chosen = ANNOTATORS[name]
        need_packages(name, chosen.packages, chosen.extra)
    except ModuleNotFoundError as error:
        raise not_installed(name, [error.name or "see the extra media"]) from None
    return chosen


def make(annotator_class: type[A], settings: dict[str, str]) -> A:
    """An annotator with its settings. Raises WrongSetting."""
    try:
        return annotator_class(settings)
    except ValidationError as error:
        keys = ", ".join(annotator_class.settings_class.model_fields) or "none"
        what = f"--set {annotator_class.name}: {first_fault(error)}"
        raise WrongSetting(what, f"settings of {annotator_class.name}: {keys}") from None


def read_settings(settings: Sequence[str]) -> dict[str, dict[str, Any]]:
    """NAME.KEY=VALUE as key and value by name. Raises WrongSetting."""
    of_name: dict[str, dict[str, Any]] = {}
    for setting in settings:
        place, equals, value = setting.partition("=")
        name, dot, key = place.partition(".")
        if not (equals and dot and name and key):
            raise WrongSetting(f"--set {setting} is not NAME.KEY=VALUE", "write, say, scenes.detector=content")
        of_name.setdefault(name, {})[key] = value
    return of_name
