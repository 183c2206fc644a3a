"""Named parts of one kind, imported on use: the built-in ones and those that other packages add by entry points.

    SOURCES: Registry[Source] = Registry("source", "cbc.sources", {"ytdlp": "corpus.sources.ytdlp:YtDlp"}, Source)
    SOURCES.make("ytdlp")

A package adds a source with an entry point of the group `cbc.sources` in its own pyproject.toml:

    [project.entry-points."cbc.sources"]
    mine = "my_package.mine:Mine"
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib import import_module
from importlib.metadata import entry_points
from inspect import get_annotations
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
    "module:class" in the order in which they are listed, `base` is what a part of another package must derive from.
    """

    def __init__(self, kind: str, group: str, builtin: Mapping[str, str], base: type[Any] = object) -> None:
        self.kind, self.group, self.builtin, self.base = kind, group, dict(builtin), base
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
                mend = f"use one of {', '.join(self.paths)}, or install the package that adds it"
                raise UnknownName(f"no {self.kind} is called {name or repr(name)}", mend)
            self._loaded[name] = self._imported(name)
        return self._loaded[name]

    def make(self, name: str) -> T:
        """A part of that class, made without arguments. Raises UnknownName, NameClash, BrokenEntryPoint."""
        part = self[name]
        try:
            made = part()
        except Exception as error:  # whatever another package's class does
            if name in self.builtin:
                raise
            raise self._broken(name, f"cannot be made ({type(error).__name__}: {error})") from None
        if missing := [word for word in get_annotations(self.base) if not hasattr(made, word)]:
            raise self._broken(name, f"says nothing of its {', '.join(missing)}")
        return made

    def __contains__(self, name: object) -> bool:
        return name in self.paths

    def __iter__(self) -> Iterator[str]:
        return iter(self.paths)

    def __len__(self) -> int:
        return len(self.paths)

    def _imported(self, name: str) -> type[T]:
        module, _, attribute = self.paths[name].partition(":")
        if name in self.builtin:
            return cast("type[T]", getattr(import_module(module), attribute))
        try:
            part: Any = getattr(import_module(module), attribute)
        except Exception as error:  # whatever another package does when it is imported
            raise self._broken(name, f"cannot be imported ({type(error).__name__}: {error})") from None
        if not (isinstance(part, type) and issubclass(part, self.base)):
            raise self._broken(name, f"is no {self.kind}: no subclass of {self.base.__name__}")
        if (own_name := getattr(part, "name", name)) != name:
            raise self._broken(name, f"calls itself {own_name}")
        return cast("type[T]", part)

    def _broken(self, name: str, why: str) -> BrokenEntryPoint:
        return BrokenEntryPoint(
            f"the {self.kind} {name} ({self.paths[name]}) {why}", "mend or uninstall the package that adds it"
        )
