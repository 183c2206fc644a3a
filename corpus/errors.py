"""Errors a user can mend: each cause is a class of its own, raised where it is found.

The command prints one line (`str(error)`) and exits with code 2; a library caller catches the class.
"""

from __future__ import annotations

from typing import Any


def printable(text: str) -> str:
    """Text on one line without control characters: what a file holds never steers a terminal."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


class CbcError(Exception):
    """Something the user can mend: what is wrong, then how to mend it, in one printable line."""

    def __init__(self, what: str, mend: str) -> None:
        what, mend = printable(what), printable(mend)
        super().__init__(f"{what}; {mend}")
        self.what = what
        self.mend = mend

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the message as it is, so that an error can come from another process."""
        return type(self).__new__, (type(self), *self.args), self.__dict__


def first_line(error: BaseException) -> str:
    """The first line of an exception's message, or its class without a message, for use inside a message of ours."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


class NoSuchPath(CbcError):
    """A path given by the user does not exist or holds nothing to read."""


class WrongVersion(CbcError):
    """A corpus, bench, run or model was written by another version of its format."""


class Busy(CbcError):
    """Another process holds the folder."""


class BrokenTable(CbcError):
    """A table file of a corpus is cut or damaged."""
