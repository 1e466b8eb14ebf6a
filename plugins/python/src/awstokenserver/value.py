"""A value of web_identity_token_server: a name, a pair of variables, or a document."""

from __future__ import annotations

import base64
import json
import re
from importlib import resources
from typing import Any

from .document import audience_is_mentioned, decode
from .errors import invalid
from .server import TokenServer
from .template import BLANKS, is_variable

#: The documents of the named servers (VALUE-9).
SERVERS: dict[str, Any] = json.loads(resources.files(__package__).joinpath("servers.json").read_text("utf-8"))

FORMS = (
    "write a name, or URL_VARIABLE,TOKEN_VARIABLE, or a JSON document in base64, "
    "each with an optional ,AUDIENCE; the names are "
)


def parse(value: str) -> TokenServer:
    """Reads a value by the grammar of VALUE-1."""
    first, comma, rest = value.partition(",")
    first = first.strip(BLANKS)
    if first in SERVERS:
        return open_server(SERVERS[first], audience_of(comma, rest))
    for name in SERVERS:
        if letters_and_digits(name) == letters_and_digits(first):
            raise invalid(f"names are spelled exactly: write {name}")
    second, second_comma, after_second = rest.partition(",")
    second = second.strip(BLANKS)
    is_pair = is_variable(first) and is_variable(second)
    document = decode_base64(first)
    if document is not None and not (is_pair and not is_json(document)):
        return open_server(decode(document), audience_of(comma, rest))
    if is_pair:
        return open_server(pair(first, second), audience_of(second_comma, after_second))
    # The value may be a secret (SECRET-3), so it is not repeated.
    raise invalid("the value names no token server; " + FORMS + ", ".join(SERVERS))


def letters_and_digits(text: str) -> str:
    return re.sub("[^a-z0-9]", "", text.lower())


def audience_of(comma: str, rest: str) -> str | None:
    """The audience of a value; None is the document's default (VALUE-4)."""
    return rest.strip(BLANKS) if comma else None


def decode_base64(text: str) -> bytes | None:
    """Decodes a document in either alphabet, with all of its padding or none (VALUE-6)."""
    text = text.translate(str.maketrans("-_", "+/", BLANKS))
    if "=" not in text:
        text += "=" * (-len(text) % 4)
    try:
        decoded = base64.b64decode(text, validate=True)
    except ValueError:
        return None
    return decoded if decoded.lstrip().startswith(b"{") else None


def is_json(text: bytes) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def pair(url: str, token: str) -> dict[str, Any]:
    """The document that two variables stand for (VALUE-5)."""
    return {
        "version": 1,
        "http": {
            "url": f"${{env:{url}}}",
            "headers": {"Authorization": f"Bearer ${{env:{token}}}"},
            "query": {"audience": "${audience}"},
            "token": "/value",
        },
    }


def open_server(document: dict[str, Any], audience: str | None) -> TokenServer:
    if document.get("audience") and not audience_is_mentioned(document):
        raise invalid("audience: has no effect, for nothing in the document mentions it")
    if audience is None:
        audience = document.get("audience", "")
    if audience and not audience_is_mentioned(document):
        raise invalid("the token server takes no audience")
    if not audience and audience_is_mentioned(document, in_address=True):
        raise invalid("the token server needs an audience")
    return TokenServer(document, audience)
