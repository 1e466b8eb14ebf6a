import html
import json
from urllib.parse import quote

import pytest

from awstokenserver.secrets import holds_secret, quoted

SECRET = 's3/cr+3t=&<%41>"0123456789'


def numeric(text):
    return "".join(c if c.isalnum() else f"&#{ord(c)};" for c in text)


ENCODINGS = {
    "as it is": lambda text: text,
    "JSON": json.dumps,
    "PHP": lambda text: json.dumps(text).replace("/", "\\/"),
    ".NET": lambda text: "".join(c if c.isalnum() else f"\\u{ord(c):04X}" for c in text),
    "Gson": lambda text: text.replace('"', '\\"').replace("=", "\\u003d").replace("<", "\\u003c").replace("&", "\\u0026"),
    "HTML": html.escape,
    "Go's html/template": numeric,
    "HTML in hexadecimal": lambda text: "".join(f"&#x{ord(c):x};" for c in text),
    "percent": lambda text: quote(text, safe=""),
    "percent in lower case": lambda text: "".join(c if c.isalnum() else f"%{ord(c):02x}" for c in text),
    "percent twice": lambda text: quote(quote(text, safe=""), safe=""),
    "percent in HTML": lambda text: html.escape(quote(text, safe="")),
    "JSON in JSON": lambda text: json.dumps(json.dumps(text)),
    "broken into lines": lambda text: text[:9] + "\r\n\t" + text[9:],
    "without its first": lambda text: text[1:],
    "without its last": lambda text: text[:-1],
}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_repeated_secret(encoding):
    body = ENCODINGS[encoding](SECRET)
    assert quoted(f"bad key {body}!".encode(), {SECRET}) == " (response body withheld: it may contain a secret)"
    assert not holds_secret(f"bad key {body}!", {"another-secret"})


@pytest.mark.parametrize(
    "body, held",
    [
        ("other-sec", True),  # 9 of 11
        ("other-se", False),
        ("her-secre", True),
        ("eyJhb GciOi", True),
        ("eyJhb", False),
        ("Bearer token expired", False),
    ],
)
def test_parts(body, held):
    assert holds_secret(body, {"other-secre"}) == held


def test_short_texts_are_no_secrets():
    assert not holds_secret("abc", {"abc"})


def test_quote_is_short():
    assert len(quoted(("ü" * 1000).encode(), set()).encode()) < 256 * 6
    assert quoted(b"  ", set()) == ""
