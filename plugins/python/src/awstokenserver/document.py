"""A token server's document: what the schema allows (DOC-1 to DOC-3, DOC-8, DOC-9)."""

from __future__ import annotations

import json
import math
import re
from decimal import Decimal
from typing import Any

from .errors import invalid
from .template import REFERENCE, children, is_variable, join, mentions_audience, template
from .url import check_url

HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
FORBIDDEN_HEADERS = {"host", "content-length", "transfer-encoding", "connection"}
HEADER_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
POINTER = re.compile(r"(/([^~/]|~[01])*)*")
HTTP_TEXTS = {"method", "unix_socket", "ca_file", "cert_file", "key_file", "token"}
DEEPEST = 32


class Members(dict):
    """A JSON object that knows which members are there twice."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        seen: set[str] = set()
        self.repeated = {name for name, _ in pairs if name in seen or seen.add(name)}


def decode(text: bytes) -> dict[str, Any]:
    """Decodes a document, and refuses what the schema does not allow."""
    try:
        document = json.loads(
            text.decode(),
            object_pairs_hook=Members,
            parse_constant=no_number,
            parse_int=lambda number: exact(number, int),
            parse_float=lambda number: exact(number, float),
        )
    except (ValueError, RecursionError):
        raise invalid("the document is not JSON in UTF-8") from None
    check(document)
    return document


def no_number(text: str) -> None:
    raise ValueError  # Python reads NaN and Infinity, which JSON has not


def exact(text: str, kind: type) -> Any:
    """Refuses a number that a double does not give back (DOC-8)."""
    number = float(text)
    if math.isinf(number) or Decimal(repr(number)) != Decimal(text):
        raise invalid("a number in the document would change on its way (IEEE 754)")
    return kind(text)


def check(document: Any) -> None:
    refuse_nested(document, "", 1)
    # Of all versions but this one, nothing else is known (DOC-1).
    if type(document.get("version")) not in (int, float) or document["version"] != 1:
        raise invalid("version: must be 1")
    only(document, "", {"version", "about", "audience", "http", "env", "file", "hint"})
    for name in ("about", "audience", "env", "hint"):
        text(document, "", name)
    if re.search(r"[\x00-\x1f\x7f-\x9f]", document.get("hint", "")):
        raise invalid("hint: must not hold a control character")
    if len({"http", "env", "file"} & document.keys()) != 1:
        raise invalid("exactly one of http, env and file must be there")
    if "env" in document and not is_variable(document["env"]):
        raise invalid("env: must be the name of a variable")
    if "file" in document:
        template(document["file"], "file")
        if not document["file"]:
            raise invalid("file: must not be empty")
    if "http" in document:
        check_http(document["http"])


def check_http(request: Any) -> None:
    path = "http"
    if not isinstance(request, dict):
        raise invalid(f"{path}: must be an object")
    only(request, path, HTTP_TEXTS | {"url", "headers", "query", "body", "form", "retry"})
    for name in HTTP_TEXTS:
        text(request, path, name)
    url = template(request.get("url"), "http.url")
    if not REFERENCE.search(url):
        check_url(url, "http.url", over_socket=bool(request.get("unix_socket")))
    if request.get("method", "GET") not in ("GET", "POST"):
        raise invalid("http.method: must be GET or POST")
    if bool(request.get("cert_file")) != bool(request.get("key_file")):
        raise invalid("http.cert_file and http.key_file: one does not go without the other")
    if not POINTER.fullmatch(request.get("token", "")):
        raise invalid("http.token: must be a JSON Pointer")
    for name in ("headers", "query", "form"):
        if not isinstance(request.get(name, {}), dict):
            raise invalid(f"http.{name}: must be an object")
        for member, value in request.get(name, {}).items():
            template(value, join(f"http.{name}", member))
    for name in ("query", "form"):
        if "" in request.get(name, {}):
            raise invalid(f"http.{name}: a parameter must have a name")
    seen: set[str] = set()
    for name, value in request.get("headers", {}).items():
        path, lower = join("http.headers", name), name.lower()
        if not HEADER_NAME.fullmatch(name):
            raise invalid(f"{path}: is not the name of a header")
        if lower in FORBIDDEN_HEADERS:
            raise invalid(f"{path}: cannot be set")
        if lower in seen:
            raise invalid(f"{path}: is there twice")
        if HEADER_CONTROL.search(value):
            raise invalid(f"{path}: must not hold a control character")
        seen.add(lower)
    body = request.get("body")
    if body is not None:
        if not isinstance(body, dict):
            raise invalid("http.body: must be an object")
        if request.get("method") != "POST":
            raise invalid("http.body: needs the method POST")
        check_body(body, "http.body")
    if "form" in request:
        if request.get("method") != "POST":
            raise invalid("http.form: needs the method POST")
        if body is not None:
            raise invalid("http.form: cannot be beside http.body")
    if "retry" in request:
        check_retry(request["retry"])


def check_retry(statuses: Any) -> None:
    if not isinstance(statuses, list) or not 1 <= len(statuses) <= 8:
        raise invalid("http.retry: must be a list of 1 to 8 numbers")
    for status in statuses:
        if type(status) not in (int, float) or status != int(status) or not 400 <= status <= 499:
            raise invalid("http.retry: must hold whole numbers from 400 to 499")
    if len(set(statuses)) < len(statuses):
        raise invalid("http.retry: holds a number twice")


def check_body(value: Any, path: str) -> None:
    if isinstance(value, str):
        template(value, path)
    for name, member in children(value):
        check_body(member, join(path, name))


def refuse_nested(value: Any, path: str, level: int) -> None:
    """Refuses members that are there twice, and depth (DOC-2)."""
    if level > DEEPEST and isinstance(value, (dict, list)):
        raise invalid(f"{path[:64]}: is nested deeper than {DEEPEST} levels")
    for name in sorted(getattr(value, "repeated", ())):
        raise invalid(f"{join(path, name)}: is there twice")
    for name, member in children(value):
        refuse_nested(member, join(path, name), level + 1)


def only(members: dict[str, Any], path: str, known: set[str]) -> None:
    for name in members:
        if name not in known:
            raise invalid(f"{join(path, name)}: is not known; known are {', '.join(sorted(known))}")


def text(members: dict[str, Any], path: str, name: str) -> None:
    if not isinstance(members.get(name, ""), str):
        raise invalid(f"{join(path, name)}: must be a string")


def audience_is_mentioned(document: dict[str, Any], in_address: bool = False) -> bool:
    """Whether a document mentions ${audience} anywhere, or where it cannot be left out."""
    request = document.get("http", {})
    names = ("url",) if in_address else ("url", "query", "headers", "body", "form")
    return mentions_audience([document.get("file"), *(request.get(name) for name in names)])
