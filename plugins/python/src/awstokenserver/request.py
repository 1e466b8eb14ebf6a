"""The request that a document describes, its references replaced."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

from .document import HEADER_CONTROL
from .errors import invalid
from .file import read_file
from .template import REFERENCE, Expansion, join
from .url import check_url, set_parameters

LONGEST_WORD = 15  # of a URL's path: what is longer may be a secret


@dataclass(frozen=True, repr=False)  # it holds secrets
class Request:
    """One request, ready to be sent any number of times."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes
    secrets: set[str]
    retry: list[int]
    tls: dict[str, str]
    unix_socket: str

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def target(self) -> str:
        """The path and the query, byte for byte."""
        parts = urlsplit(self.url)
        return urlunsplit(("", "", parts.path or "/", parts.query, ""))

    @classmethod
    def of(cls, http: dict[str, Any], audience: str) -> Request:
        expansion = Expansion(audience)
        url = expansion.expand(http["url"], in_url=True)
        first = REFERENCE.match(http["url"])
        origin = f"the variable {first['env']}" if first and first["env"] else "http.url"
        check_url(url, origin, over_socket=bool(http.get("unix_socket")))
        parts = urlsplit(url)
        expansion.sends(*(value for _, value in parse_qsl(parts.query)))
        expansion.secrets.update(part for part in unquote(parts.path).split("/") if len(part) > LONGEST_WORD)
        url = urlunsplit(parts._replace(query=set_parameters(parts.query, expansion.all(http.get("query", {})))))

        headers, body = {"accept-encoding": "identity"}, b""
        if http.get("body") is not None:
            headers["content-type"] = "application/json"
            body = json.dumps(expansion.body(http["body"])).encode()
        if "form" in http:
            headers["content-type"] = "application/x-www-form-urlencoded"
            body = urlencode(expansion.all(http["form"])).encode()
        for name, value in http.get("headers", {}).items():
            if expansion.leaves_out(value):
                continue
            expanded = expansion.expand(value)
            if HEADER_CONTROL.search(expanded):
                raise invalid(f"{join('http.headers', name)}: must not hold a control character")
            headers[name.lower()] = expanded.encode().decode("latin-1")  # http.client then sends UTF-8
            _, blank, credentials = expanded.partition(" ")
            expansion.sends(credentials if blank and name.lower() == "authorization" else expanded)
        for name in ("ca_file", "cert_file", "key_file"):
            if http.get(name):
                read_file(http[name])  # an error that names it
        return cls(
            method=http.get("method", "GET"),
            url=quote(url, safe="!#$%&'()*+,/:;=?@[]~"),
            headers=headers,
            body=body,
            secrets=expansion.secrets,
            retry=http.get("retry", []),
            tls={name: http[name] for name in ("ca_file", "cert_file", "key_file") if http.get(name)},
            unix_socket=http.get("unix_socket", ""),
        )
