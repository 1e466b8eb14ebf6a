"""Sends a request to a token server until there is an answer, within bounds (HTTP, RETRY)."""

from __future__ import annotations

import http.client
import itertools
import logging
import socket
import ssl
import time
from typing import Any

import urllib3.connectionpool
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError
from botocore.httpsession import URLLib3Session
from botocore.retries.standard import ExponentialBackoff, RetryContext
from botocore.utils import get_environ_proxies

from .errors import Again, Failure, invalid
from .file import READ_LIMIT
from .request import Request
from .response import retry_after
from .secrets import quoted
from .settings import HTTPSettings
from .url import is_local, is_local_address
from .within import within

ATTEMPT_SECONDS = 5
ALL_ATTEMPTS_SECONDS = 60

logger = logging.getLogger(__package__)


def fetch(request: Request, settings: HTTPSettings) -> bytes:
    """Returns the body of a successful answer, which may be a byte longer than the limit."""
    client = make_client(request, settings)
    backoff, deadline = ExponentialBackoff(), time.monotonic() + ALL_ATTEMPTS_SECONDS
    for attempt in itertools.count(1):
        seconds = min(ATTEMPT_SECONDS, deadline - time.monotonic())
        try:
            try:
                return within(seconds, lambda: send(client, request))
            except TimeoutError:
                raise Again("did not answer in time") from None
        except Again as again:
            delay = max(again.after, backoff.delay_amount(RetryContext(attempt_number=attempt)))
            if attempt >= settings.max_attempts or time.monotonic() + delay >= deadline:
                problem = f"{request.host} {again}, in {attempt} attempt(s)"
                raise Failure("token-unavailable", problem) from None
            logger.info("token server: %s %s; attempt %d in %.1f s", request.host, again, attempt + 1, delay)
        time.sleep(delay)
    raise AssertionError


def make_client(request: Request, settings: HTTPSettings) -> URLLib3Session:
    proxies: dict[str, str] = {}
    if not request.unix_socket and not is_local(request.host):  # HTTP-8
        proxies = settings.proxies or get_environ_proxies(request.url)
    certificate = request.tls.get("cert_file")
    client = URLLib3Session(
        verify=request.tls.get("ca_file") or settings.verify,
        proxies=proxies,
        timeout=ATTEMPT_SECONDS,
        client_cert=(certificate, request.tls["key_file"]) if certificate else None,
    )
    client._pool_classes_by_scheme = client._manager.pool_classes_by_scheme = pools(request)
    return client


def send(client: URLLib3Session, request: Request) -> bytes:
    """Sends a request once. It follows no redirect, as botocore never does."""
    try:
        prepared = AWSRequest(
            method=request.method, url=request.url, headers=request.headers, data=request.body, stream_output=True
        ).prepare()
        response = client.send(prepared)
        status, headers = response.status_code, response.headers
        if sum(len(name) + len(value) for name, value in headers.items()) > READ_LIMIT:
            raise Again("answered with more than 64 KiB of header fields")
        content = response.raw.read(READ_LIMIT + 1)
    except (BotoCoreError, urllib3.exceptions.HTTPError, http.client.HTTPException, OSError) as error:
        # The error's own text holds the URL (SECRET-4).
        if failure := caused_by(error, Failure):
            raise failure from None
        if caused_by(error, ssl.SSLCertVerificationError):
            raise Failure(
                "token-unavailable",
                f"the certificate of {request.host} is not trusted; name its authority in the document's ca_file, or in "
                "AWS_CA_BUNDLE, which replaces the system's authorities and is not added to them",
            ) from None
        raise Again(f"cannot be reached ({type(error).__name__})") from None
    finally:
        client.close()
    if 200 <= status < 300:
        length = headers.get("Content-Length", "")
        if length.isdecimal() and len(content) < min(int(length), READ_LIMIT):
            raise Again("broke off in the middle of its answer")
        return content
    problem = f"answered {status}{quoted(content, request.secrets)}"
    pending = status == 403 and b"Can't issue ID_TOKEN" in content and b"'Pending' state" in content
    if pending or status in (408, 429, *request.retry) or 500 <= status < 600:
        raise Again(problem, retry_after(headers.get("Retry-After")))
    # A status that does not exist says nothing (RFC 9110, 15).
    raise Failure("token-refused" if status < 500 else "token-unavailable", f"{request.host} {problem}")


def caused_by(error: BaseException | None, kind: type) -> BaseException | None:
    while error is not None and not isinstance(error, kind):
        error = error.__cause__ or error.__context__
    return error


def pools(request: Request) -> dict[str, type]:
    """Connection pools for urllib3 that send the bytes of the URL as they are, to where it is allowed."""

    def pool(base: Any) -> type:
        class Connection(base.ConnectionCls):
            def _new_conn(self) -> socket.socket:
                if request.unix_socket:
                    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                    connection.settimeout(ATTEMPT_SECONDS)
                    connection.connect(request.unix_socket)
                    return connection
                connection = super()._new_conn()
                if base.scheme == "http" and not is_local_address(connection.getpeername()[0]):
                    connection.close()
                    raise invalid(
                        f"{request.host} is not an address of this machine or a metadata service, so plain http is refused"
                    )
                return connection

            def putrequest(self, method: str, url: str, *args: Any, **kwargs: Any) -> None:
                # urllib3 writes percent-encoding anew (DOC-10).
                super().putrequest(method, request.target, *args, **kwargs)

        return type("Pool", (base,), {"ConnectionCls": Connection})

    return {
        "http": pool(urllib3.connectionpool.HTTPConnectionPool),
        "https": pool(urllib3.connectionpool.HTTPSConnectionPool),
    }
