"""The packages of `media` and other extras: whether they are there, and what to do where they are not."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

from corpus.errors import CbcError

INSTALLING = "install the extra {0}; in a checkout: pip install -c constraints.txt -e '.[{0}]'"


class NoMediaPackages(CbcError):
    """The packages that decode media, or those of another extra, are not installed."""


def need_packages(what: str, packages: Sequence[str], extra: str = "media") -> None:
    """Raises NoMediaPackages where one is not installed."""
    if missing := [package for package in packages if find_spec(package) is None]:
        raise not_installed(what, missing, extra)


def not_installed(what: str, packages: Sequence[str], extra: str = "media") -> NoMediaPackages:
    """The error for packages of an extra that something lacks."""
    missing = f"{what} needs packages that are not installed ({', '.join(packages)})"
    return NoMediaPackages(missing, INSTALLING.format(extra))
