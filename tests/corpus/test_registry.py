"""Registries: built-in parts, parts of other packages by entry points, clashes and broken ones."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod

import pytest

from corpus.registry import BrokenEntryPoint, NameClash, Registry, UnknownName


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Put a package with entry points on the path, as pip would install it."""

    def install(name: str, points: dict[str, str], code: str = "class Mine: ...\n") -> None:
        (tmp_path / f"{name}.py").write_text(code)
        info = tmp_path / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        lines = "\n".join(f"{point} = {value}" for point, value in points.items())
        (info / "entry_points.txt").write_text(f"[cbc.things]\n{lines}\n")
        monkeypatch.syspath_prepend(str(tmp_path))

    yield install
    for name in list(sys.modules):
        if name.startswith("added_"):
            del sys.modules[name]


class Thing(ABC):
    """What every thing of the tests must be."""

    name: str
    size: int
    color: str = "red"

    @abstractmethod
    def use(self) -> None:
        """Use it."""


def things(**builtin: str) -> Registry[object]:
    return Registry("thing", "cbc.things", builtin)


def test_a_built_in_part_is_imported_when_it_is_asked_for():
    registry = things(counter="collections:Counter", broken="no_such_module:Nothing")
    assert list(registry) == ["counter", "broken"]
    assert registry["counter"].__name__ == "Counter"


def test_a_package_adds_a_part_by_an_entry_point(package):
    package("added_one", {"mine": "added_one:Mine"})
    registry = things(counter="collections:Counter")
    assert list(registry) == ["counter", "mine"]
    assert registry["mine"].__module__ == "added_one"


def test_two_parts_of_one_name_are_an_error_that_names_both_packages(package):
    package("added_two", {"counter": "added_two:Mine"})
    with pytest.raises(NameClash, match=r"cbc and added_two both add a thing called counter; uninstall one"):
        things(counter="collections:Counter")["counter"]


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(UnknownName, match="no thing is called other; use one of counter"):
        things(counter="collections:Counter")["other"]


def test_a_part_that_cannot_be_imported_is_a_named_error(package):
    package("added_three", {"mine": "added_three:Other"})
    with pytest.raises(BrokenEntryPoint, match=r"the thing mine .*mend or uninstall"):
        things()["mine"]


def test_a_part_that_breaks_when_it_is_imported_is_a_named_error(package):
    package("added_four", {"mine": "added_four:Mine"}, "raise RuntimeError('broken inside')\n")
    with pytest.raises(BrokenEntryPoint, match=r"mine \(added_four:Mine\) cannot be imported .*broken inside"):
        things()["mine"]


@pytest.mark.parametrize("code", ["class Mine: ...\n", "def Mine(): ...\n", "Mine = 3\n"])
def test_a_part_of_another_kind_is_a_named_error(code, package):
    package("added_five", {"mine": "added_five:Mine"}, code)
    with pytest.raises(BrokenEntryPoint, match="is no thing: no subclass of Thing"):
        Registry("thing", "cbc.things", {}, Thing)["mine"]


def test_a_part_that_calls_itself_otherwise_is_a_named_error(package):
    package("added_six", {"mine": "added_six:Mine", "yours": "added_six:Mine"}, "class Mine:\n    name = 'mine'\n")
    assert things()["mine"].__name__ == "Mine"
    with pytest.raises(BrokenEntryPoint, match=r"the thing yours .* calls itself mine"):
        things()["yours"]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("name = 'mine'; size = 1", r"cannot be made \(TypeError: .*use"),
        ("name = 'mine'; use = print", "says nothing of its size"),
        ("name = 'mine'; size = 1; use = print; __init__ = lambda self, more: None", "cannot be made"),
    ],
)
def test_a_part_that_is_not_complete_is_a_named_error(body, why, package, monkeypatch):
    code = f"from things_of_tests import Thing\nclass Mine(Thing):\n    {body}\n"
    monkeypatch.setitem(sys.modules, "things_of_tests", sys.modules[__name__])
    package("added_seven", {"mine": "added_seven:Mine"}, code)
    registry: Registry[Thing] = Registry("thing", "cbc.things", {}, Thing)
    with pytest.raises(BrokenEntryPoint, match=f"the thing mine .*{why}"):
        registry.make("mine")
