"""Named parts of one kind, imported on use: the built-in ones and those that other packages add by entry points.

    SOURCES = Registry("source", "cbc.sources", {"ytdlp": "corpus.sources.ytdlp:YtDlp"})
    SOURCES["ytdlp"]()

A package adds a source with an entry point of the group `cbc.sources` in its own pyproject.toml:

    [project.entry-points."cbc.sources"]
    mine = "my_package.mine:Mine"
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, Generic, TypeVar, cast

from corpus.errors import CbcError

T = TypeVar("T")


class UnknownName(CbcError):
    """Nothing of a kind bears a name."""


class NameClash(CbcError):
    """Two packages add a part of one kind under one name."""


class BrokenEntryPoint(CbcError):
    """A part named by an entry point cannot be imported, or is not of its kind."""


class Registry(Mapping[str, type[T]], Generic[T]):
    """The classes of one kind by name; reading a name imports its module.

    `kind` names a part in messages ("source"), `group` is the entry points' group, `builtin` maps names to
    "module:class" in the order in which they are listed.
    """

    def __init__(self, kind: str, group: str, builtin: Mapping[str, str]) -> None:
        self.kind, self.group, self.builtin = kind, group, dict(builtin)
        self._loaded: dict[str, type[T]] = {}

    @cached_property
    def paths(self) -> dict[str, str]:
        """Name -> "module:class", the built-in ones first. Raises NameClash."""
        paths, owners = dict(self.builtin), dict.fromkeys(self.builtin, "cbc")
        for point in sorted(entry_points(group=self.group), key=lambda point: point.name):
            owner = point.dist.name if point.dist else point.value
            if point.name in paths and paths[point.name] != point.value:
                raise NameClash(
                    f"{owners[point.name]} and {owner} both add a {self.kind} called {point.name}",
                    "uninstall one of them, or give its entry point another name",
                )
            paths[point.name], owners[point.name] = point.value, owner
        return paths

    def __getitem__(self, name: str) -> type[T]:
        """The class under a name. Raises UnknownName, NameClash, BrokenEntryPoint."""
        if name not in self._loaded:
            if name not in self.paths:
                raise UnknownName(f"no {self.kind} is called {name}", f"use one of {', '.join(self.paths)}")
            self._loaded[name] = self._imported(name)
        return self._loaded[name]

    def __contains__(self, name: object) -> bool:
        return name in self.paths

    def __iter__(self) -> Iterator[str]:
        return iter(self.paths)

    def __len__(self) -> int:
        return len(self.paths)

    def _imported(self, name: str) -> type[T]:
        module, _, attribute = self.paths[name].partition(":")
        try:
            made: Any = getattr(import_module(module), attribute)
        except (ImportError, AttributeError) as error:
            if name in self.builtin:
                raise
            raise BrokenEntryPoint(
                f"the {self.kind} {name} ({self.paths[name]}) cannot be imported ({error})",
                "mend or uninstall the package that adds it",
            ) from None
        return cast("type[T]", made)
