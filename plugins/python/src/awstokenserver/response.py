"""The token in the answer of a token server (TOKEN), and when to ask again (RETRY-5)."""

from __future__ import annotations

import email.utils
import json
import re
import time
from typing import Any

from .document import Members, no_number
from .errors import malformed
from .file import READ_LIMIT
from .template import BLANKS


def find_token(content: bytes, pointer: str) -> str:
    """The token in a successful answer (TOKEN-1)."""
    if len(content) > READ_LIMIT:
        raise malformed("the answer is longer than 64 KiB")
    try:
        text = content.decode("utf-8-sig")  # without a byte order mark
    except UnicodeDecodeError:
        raise malformed("the answer is not UTF-8") from None
    if not pointer:
        return text
    try:
        value = json.loads(text, object_pairs_hook=Members, parse_constant=no_number)
    except (ValueError, RecursionError):
        raise malformed("the answer is not JSON") from None
    for name in pointer.split("/")[1:]:
        value = member(value, name.replace("~1", "/").replace("~0", "~"), pointer)
    if not isinstance(value, str):
        raise malformed(f"the answer holds no text at {pointer}")
    return value


def member(value: Any, name: str, pointer: str) -> Any:
    if isinstance(value, Members):
        if name in value.repeated:
            raise malformed(f"the answer holds a member twice on the way to {pointer}")
        return value.get(name)
    if isinstance(value, list) and re.fullmatch("0|[1-9][0-9]{0,8}", name) and int(name) < len(value):
        return value[int(name)]
    return None


def check_token(text: str) -> str:
    token = text.strip(BLANKS)
    if not re.fullmatch("[!-~]{4,20000}", token):
        raise malformed("the token is not 4 to 20,000 characters of printable ASCII without white space")
    return token


def retry_after(value: str | None) -> float:
    if not value:
        return 0
    if value.strip().isdecimal():
        return float(value)
    try:
        return email.utils.parsedate_to_datetime(value).timestamp() - time.time()
    except (TypeError, ValueError):
        return 0
