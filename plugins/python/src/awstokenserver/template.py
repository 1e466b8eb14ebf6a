"""References in a document's texts, and what they stand for (DOC-5 to DOC-7)."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from .errors import invalid, not_configured
from .file import READ_LIMIT, read_file

BLANKS = " \t\r\n"
WORD_BREAKS = str.maketrans(BLANKS, " " * len(BLANKS))

VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
TOKEN_LIKE = re.compile(r"eyJ|gh[a-z]_|github_pat_|glpat-|AKIA|ASIA")

# A dollar that begins no reference matches too, alone.
REFERENCE = re.compile(
    r"\$(?:(?P<dollar>\$)|\{env:(?P<env>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^${}]*))?\}"
    r"|\{file:(?P<file>[^${}]+)\}|(?P<audience>\{audience\}))?"
)


def is_variable(name: str) -> bool:
    """Whether a text is the name of a variable, and not a token in its place (DOC-7)."""
    return len(name) <= 64 and bool(VARIABLE_NAME.fullmatch(name)) and not TOKEN_LIKE.match(name)


def template(value: Any, path: str) -> str:
    if not isinstance(value, str):
        raise invalid(f"{path}: must be a string")
    if any(match[0] == "$" for match in REFERENCE.finditer(value)):
        raise invalid(
            f"{path}: holds a $ that is none of ${{env:NAME}}, ${{env:NAME:-DEFAULT}}, ${{file:PATH}}, ${{audience}} and $$"
        )
    if any(match["env"] and not is_variable(match["env"]) for match in REFERENCE.finditer(value)):
        raise invalid(f"{path}: refers to a variable of a name that is too long, or that looks like a token")
    return value


def join(path: str, name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name):
        name = json.dumps(name)[:64]
    return f"{path}.{name}" if path else name


def children(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, list):
        yield from ((str(i), element) for i, element in enumerate(value))


def mentions_audience(value: Any) -> bool:
    """Whether a text, or any text below a value, mentions ${audience}."""
    if isinstance(value, str):
        return any(match["audience"] for match in REFERENCE.finditer(value))
    return any(mentions_audience(member) for _, member in children(value))


@dataclass
class Expansion:
    """What the references of a document stand for, for one token."""

    audience: str
    secrets: set[str] = field(default_factory=set)

    def expand(self, text: str, in_url: bool = False) -> str:
        return REFERENCE.sub(lambda match: self._replace(match, in_url), text)

    def _replace(self, match: re.Match[str], in_url: bool) -> str:
        if match["dollar"]:
            return "$"
        if match["audience"]:
            return quote(self.audience, safe="") if in_url else self.audience
        if match["file"]:
            value = read_file(match["file"])
            if len(value.encode()) > READ_LIMIT:
                raise invalid(f"the file {match['file']} is larger than 64 KiB")
        else:
            value = read_variable(match["env"], match["default"])
        self.sends(value)
        return value

    def sends(self, *texts: str) -> None:
        """Notes texts as secrets of the request, and their words (SECRET-2)."""
        for text in texts:
            self.secrets.update({text, *text.translate(WORD_BREAKS).split(" ")} - {self.audience})

    def leaves_out(self, text: Any) -> bool:
        """Whether what a text is the value of is not sent (DOC-6)."""
        return not self.audience and isinstance(text, str) and mentions_audience(text)

    def all(self, templates: dict[str, str]) -> dict[str, str]:
        """Expands what an empty audience does not leave out, and notes it."""
        values = {name: self.expand(value) for name, value in templates.items() if not self.leaves_out(value)}
        self.sends(*values.values())
        return values

    def body(self, value: Any) -> Any:
        if isinstance(value, str):
            text = self.expand(value)
            self.sends(text)
            return text
        if isinstance(value, dict):
            return {name: self.body(member) for name, member in value.items() if not self.leaves_out(member)}
        if isinstance(value, list):
            return [self.body(element) for element in value if not self.leaves_out(element)]
        return value


def read_variable(name: str, default: str | None = None) -> str:
    value = os.environ.get(name, "")
    if value.strip(BLANKS):
        return value
    if default is not None:
        return default
    raise not_configured(f"the variable {name} is {'empty' if name in os.environ else 'not set'}")
