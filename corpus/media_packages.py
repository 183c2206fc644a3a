"""The packages of the extra `media`: whether they are there, and what to do where they are not."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

from corpus.errors import CbcError

INSTALLING = "install the extra media; in a checkout: pip install -c constraints.txt -e '.[media]'"


class NoMediaPackages(CbcError):
    """The packages that decode media are not installed."""


def need_packages(what: str, packages: Sequence[str]) -> None:
    """Raises NoMediaPackages where one is not installed."""
    if missing := [package for package in packages if find_spec(package) is None]:
        raise not_installed(what, missing)


def not_installed(what: str, packages: Sequence[str]) -> NoMediaPackages:
    """The error for packages that something lacks."""
    return NoMediaPackages(f"{what} needs packages that are not installed ({', '.join(packages)})", INSTALLING)
