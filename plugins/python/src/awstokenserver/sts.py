"""The exchange of a token for credentials (STS)."""

from __future__ import annotations

import base64
import itertools
import json
import time
from typing import Any

from botocore.credentials import AssumeRoleWithWebIdentityCredentialFetcher
from botocore.exceptions import ClientError, ConnectionError, HTTPClientError
from botocore.parsers import ResponseParserError
from botocore.retries.standard import ExponentialBackoff, RetryContext, ThrottledRetryableChecker

from .errors import Failure, named
from .secrets import WITHHELD, holds_secret
from .server import TokenServer
from .settings import HTTPSettings
from .within import within

RETRIEVAL_SECONDS = 180

EXPIRED = {"ExpiredTokenException", "ExpiredToken"}
INVALID = {"InvalidIdentityToken", "InvalidIdentityTokenException"}
THROTTLED = set(ThrottledRetryableChecker._THROTTLED_ERROR_CODES)

#: What STS refuses of a setting, and what to do about it (STS-5).
SETTINGS = {
    "ValidationError": "correct the role's ARN, the session name, or the duration",
    "PackedPolicyTooLarge": "pass fewer or shorter session tags and policies",
    "MalformedPolicyDocument": "correct the session policy",
    "RegionDisabledException": "activate STS in this region for the role's account, or set another region",
}


class TokenServerCredentialFetcher(AssumeRoleWithWebIdentityCredentialFetcher):
    """Exchanges a fresh token for credentials whenever it is called."""

    def __init__(self, *, setting: str, server: TokenServer, settings: HTTPSettings, **kwargs: Any) -> None:
        super().__init__(web_identity_token_loader=self._load_token, **kwargs)
        self._setting, self._server, self._settings = setting, server, settings
        self._token = ""
        self._expired: Failure | None = None  # for the token before

    def _load_token(self) -> str:
        before, self._token = self._token, self._server.token(self._settings)
        if self._expired and before == self._token:
            raise self._expired
        return self._token

    def _get_credentials(self) -> dict[str, Any]:
        with named(self._setting):
            try:
                return within(RETRIEVAL_SECONDS, self._exchange)
            except TimeoutError:
                raise self._unusable("it did not answer in time") from None

    def _exchange(self) -> dict[str, Any]:
        backoff, self._expired = ExponentialBackoff(), None
        for attempt in itertools.count(1):
            try:
                response = super()._get_credentials()
            except ClientError as error:
                code = code_of(error)
                most = 2 if code in EXPIRED else self._settings.max_attempts if code in INVALID else 1
                failure = self._failure(error)
                if attempt >= most:
                    raise failure from failure.__cause__
                self._expired = failure if code in EXPIRED else None
            except (ResponseParserError, KeyError):  # botocore of what is not STS's; the text may hold the answer
                raise self._unusable("something else answered") from None
            except (ConnectionError, HTTPClientError) as error:
                raise self._unusable("it cannot be reached") from error
            else:
                if not is_complete(response.get("Credentials", {})):
                    raise self._unusable("its answer holds no complete credentials")
                return response
            time.sleep(backoff.delay_amount(RetryContext(attempt_number=attempt)))
        raise AssertionError

    def _unusable(self, why: str) -> Failure:
        return Failure("sts-unavailable", f"no usable answer from STS for the role {self._role_arn}: {why}")

    def _failure(self, error: ClientError) -> Failure:
        code = code_of(error)
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        said, withheld = str(error), False
        secrets = {self._token, *self._token.split(".")}
        if holds_secret(said, secrets):
            said, withheld = f"({code}; its message is {WITHHELD})", True
            if holds_secret(code, secrets):
                said = f"(its message is {WITHHELD})"
        if not 400 <= status < 500 or code in THROTTLED or code == "IDPCommunicationError" or not code:
            failure = self._unusable(said)
        elif code in SETTINGS:
            failure = Failure(
                "config-invalid", f"STS refused the request for the role {self._role_arn}: {said}; {SETTINGS[code]}"
            )
        else:
            failure = Failure("role-denied", f"STS denied the role {self._role_arn} to {describe(self._token)}: {said}")
        failure.__cause__ = None if withheld else error
        return failure


def code_of(error: ClientError) -> str:
    """STS's code, or nothing where the answer is not STS's: botocore then has the status, or "Unknown"."""
    code = error.response.get("Error", {}).get("Code", "")
    return "" if code.isdecimal() or code == "Unknown" else code


def is_complete(credentials: dict[str, Any]) -> bool:
    return all(credentials.get(name) for name in ("AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"))


def describe(token: str) -> str:
    """The claims that a trust policy looks at, not verified (ERR-4)."""
    try:
        _, payload, _ = token.split(".")
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return "a token with " + ", ".join(f"{name} {json.dumps(claims.get(name))}" for name in ("iss", "sub", "aud"))
    except (ValueError, AttributeError):
        return "a token that is not a JWT"
