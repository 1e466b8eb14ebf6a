"""A token server: from its document to a token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .client import fetch
from .errors import Failure
from .file import read_file
from .request import Request
from .response import check_token, find_token
from .settings import HTTPSettings
from .template import Expansion, read_variable


@dataclass(frozen=True, repr=False)  # the document may hold a secret
class TokenServer:
    document: dict[str, Any]
    audience: str

    def token(self, settings: HTTPSettings) -> str:
        """Gets a fresh token."""
        try:
            return check_token(self._read(settings))
        except Failure as failure:
            hint = self.document.get("hint")
            if hint and failure.error_class in ("not-configured", "token-refused"):
                raise Failure(failure.error_class, f"{failure}; {hint}") from None
            raise

    def _read(self, settings: HTTPSettings) -> str:
        if "env" in self.document:
            return read_variable(self.document["env"])
        if "file" in self.document:
            return read_file(Expansion(self.audience).expand(self.document["file"]))
        http = self.document["http"]
        request = Request.of(http, self.audience)
        return find_token(fetch(request, settings), http.get("token", ""))
