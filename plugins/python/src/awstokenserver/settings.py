"""What botocore does for its own requests, and so for token servers (HTTP-6, RETRY-4)."""

from __future__ import annotations

import os
from dataclasses import dataclass

from botocore.session import Session


@dataclass(frozen=True)
class HTTPSettings:
    verify: bool | str
    proxies: dict[str, str] | None  # None: those of the environment
    max_attempts: int

    @classmethod
    def of(cls, session: Session) -> HTTPSettings:
        config = session.get_default_client_config()
        retries = (config and config.retries) or {}
        attempts = retries.get("total_max_attempts") or session.get_config_variable("max_attempts")
        if not attempts:
            attempts = 5 if session.get_config_variable("retry_mode") == "legacy" else 3
        return cls(
            verify=session.get_config_variable("ca_bundle") or os.environ.get("REQUESTS_CA_BUNDLE") or True,
            proxies=config and config.proxies,
            max_attempts=int(attempts),
        )
