"""What of a text of others may be quoted (SECRET-2)."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable
from urllib.parse import unquote

QUOTE_LIMIT = 256
SHORTEST = 4
WITHHELD = "withheld: it may contain a secret"

ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})|([^ux]))", re.DOTALL)
JWT = re.compile(r"eyJ[A-Za-z0-9_-]{5}")


def holds_secret(text: str, secrets: Iterable[str]) -> bool:
    """Whether a text may hold a secret, or holds what looks like a JWT.

    It may be in the encodings of JSON, URLs and HTML, twice, broken into lines,
    and cut off.
    """
    parts = set()
    for secret in secrets:
        for form in undone(secret):
            if len(form) >= SHORTEST:
                most = -(-3 * len(form) // 4)
                parts |= {form[:most], form[-most:]}
    return any(JWT.search(form) or any(part in form for part in parts) for form in undone(text))


def undone(text: str) -> set[str]:
    """A text, and the text with its encodings undone once and twice, without white space."""
    once = undo(text)
    return {"".join(form.split()) for form in (text, once, undo(once))}


def undo(text: str) -> str:
    return html.unescape(unquote(ESCAPE.sub(_unescape, text)))


def _unescape(match: re.Match[str]) -> str:
    code = match[1] or match[2]
    if code:
        return chr(int(code, 16))
    return " " if match[3] in "bfnrt" else match[3]


def quoted(content: bytes, secrets: Iterable[str]) -> str:
    """The beginning of a failed answer, for an error."""
    text = content.decode(errors="replace")
    if holds_secret(text, secrets):
        return f" (response body {WITHHELD})"
    text = text.strip().encode()[:QUOTE_LIMIT].decode(errors="ignore")
    return f": {json.dumps(text)}" if text else ""
