"""web_identity_token_server for botocore.

    session = botocore.session.Session()
    web_identity_token_server.install(session)

The session then understands the key web_identity_token_server of a profile and
the variable AWS_WEB_IDENTITY_TOKEN_SERVER, as docs/specification.md says; the
ids in comments are its clauses. In all that it does not say, a token server is
what a token file is to botocore (KEY-2): the environment and the profile are
put together key by key, the environment first.

Needs Python 3.9 and botocore, nothing else.
"""

from __future__ import annotations

import base64
import contextlib
import contextvars
import email.utils
import http.client
import ipaddress
import itertools
import json
import logging
import os
import queue
import re
import socket
import ssl
import stat
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qsl, quote, quote_plus, unquote_plus, urlencode, urlsplit, urlunsplit

import urllib3.connectionpool
from botocore.awsrequest import AWSRequest
from botocore.credentials import (
    AssumeRoleProvider,
    AssumeRoleWithWebIdentityCredentialFetcher,
    AssumeRoleWithWebIdentityProvider,
    DeferredRefreshableCredentials,
    ProfileProviderBuilder,
)
from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError
from botocore.httpsession import URLLib3Session
from botocore.retries.standard import ExponentialBackoff, RetryContext, ThrottledRetryableChecker
from botocore.session import Session
from botocore.utils import get_environ_proxies

KEY = "web_identity_token_server"
VARIABLE = "AWS_WEB_IDENTITY_TOKEN_SERVER"
FILE_KEY = "web_identity_token_file"
FILE_VARIABLE = "AWS_WEB_IDENTITY_TOKEN_FILE"

#: The documents of the named servers. A release of botocore would ship them.
SERVERS = Path(__file__).parents[3] / "tokensource" / "servers"

BLANKS = " \t\r\n"
READ_LIMIT = 64 * 1024
QUOTE_LIMIT = 256
ATTEMPT_SECONDS = 5
ALL_ATTEMPTS_SECONDS = 60
RETRIEVAL_SECONDS = 180

logger = logging.getLogger(__name__)
T = TypeVar("T")


# Errors -----------------------------------------------------------------------


class TokenServerError(BotoCoreError):
    """Why a setting did not lead to a role. It holds no secret.

    error_class is one of the classes of ERR-1.
    """

    fmt = "{setting}: {problem}"

    def __init__(self, *, error_class: str, setting: str, problem: str) -> None:
        super().__init__(error_class=error_class, setting=setting, problem=problem)
        self.error_class = error_class


class Failure(Exception):
    """A TokenServerError that does not know its setting yet."""

    def __init__(self, error_class: str, problem: str) -> None:
        super().__init__(problem)
        self.error_class = error_class


class Again(Exception):
    """A failed attempt that may be repeated, after so many seconds at least."""

    def __init__(self, problem: str, after: float = 0) -> None:
        super().__init__(problem)
        self.after = after


def invalid(problem: str) -> Failure:
    return Failure("config-invalid", problem)


def not_configured(problem: str) -> Failure:
    return Failure("not-configured", problem)


def malformed(problem: str) -> Failure:
    return Failure("token-malformed", problem)


@contextlib.contextmanager
def named(setting: str) -> Iterator[None]:
    """Gives failures the setting that led to them (ERR-3)."""
    try:
        yield
    except Failure as failure:
        # Other exceptions may hold a URL: they are neither cause nor context.
        raise TokenServerError(
            error_class=failure.error_class, setting=setting, problem=str(failure)
        ) from failure.__cause__


# The value --------------------------------------------------------------------

VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

FORMS = (
    "write a name, or URL_VARIABLE,TOKEN_VARIABLE, or a JSON document in base64, "
    "each with an optional ,AUDIENCE; the names are "
)


def parse(value: str) -> TokenServer:
    """Reads a value by the grammar of VALUE-1."""
    first, comma, rest = value.partition(",")
    first = first.strip(BLANKS)
    names = sorted(path.stem for path in SERVERS.glob("*.json"))
    if first in names:
        text = (SERVERS / f"{first}.json").read_bytes()
        return open_server(decode(text), audience_of(comma, rest))
    for name in names:
        if letters_and_digits(name) == letters_and_digits(first):
            raise invalid(f"names are spelled exactly: write {name}")
    document = decode_base64(first)
    if document is not None:
        return open_server(decode(document), audience_of(comma, rest))
    second, comma, rest = rest.partition(",")
    second = second.strip(BLANKS)
    if VARIABLE_NAME.fullmatch(first) and VARIABLE_NAME.fullmatch(second):
        return open_server(pair(first, second), audience_of(comma, rest))
    # The value may be a secret (SECRET-3), so it is not repeated.
    raise invalid("the value names no token server; " + FORMS + ", ".join(names))


def letters_and_digits(text: str) -> str:
    return re.sub("[^a-z0-9]", "", text.lower())


def audience_of(comma: str, rest: str) -> str | None:
    """The audience of a value; None is the document's default (VALUE-4)."""
    return rest.strip(BLANKS) if comma else None


def decode_base64(text: str) -> bytes | None:
    """Decodes a document in any spelling of base64 (VALUE-6)."""
    digits = text.translate(str.maketrans("-_", "+/", BLANKS)).rstrip("=")
    try:
        decoded = base64.b64decode(digits + "=" * (-len(digits) % 4), validate=True)
    except ValueError:
        return None
    return decoded if decoded.lstrip().startswith(b"{") else None


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


# The document -----------------------------------------------------------------

# A dollar that begins no reference matches too, alone.
REFERENCE = re.compile(
    r"\$(?:(?P<dollar>\$)|\{env:(?P<env>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^${}]*))?\}"
    r"|\{file:(?P<file>[^${}]+)\}|(?P<audience>\{audience\}))?"
)
HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
FORBIDDEN_HEADERS = {"host", "content-length", "transfer-encoding", "connection"}
HEADER_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
POINTER = re.compile(r"(/([^~/]|~[01])*)*")
HTTP_TEXTS = {"method", "unix_socket", "ca_file", "cert_file", "key_file", "token"}


class Members(dict):
    """A JSON object that remembers a member that is there twice."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        names = [name for name, _ in pairs]
        self.twice = next((name for name in names if names.count(name) > 1), None)


def decode(text: bytes) -> dict[str, Any]:
    """Decodes a document, and refuses what the schema does not allow."""
    try:
        document = json.loads(text.decode(), object_pairs_hook=Members, parse_constant=no_number)
    except (ValueError, RecursionError):
        raise invalid("the document is not JSON in UTF-8") from None
    check(document)
    return document


def no_number(text: str) -> None:
    raise ValueError  # Python reads NaN and Infinity, which JSON has not


def check(document: Any) -> None:
    refuse_twice(document, "")
    # Of all versions but this one, nothing else is known (DOC-1).
    if type(document.get("version")) is not int or document["version"] != 1:
        raise invalid("version: must be 1")
    only(document, "", {"version", "about", "audience", "http", "env", "file", "hint"})
    for name in ("about", "audience", "env", "hint"):
        text(document, "", name)
    if re.search(r"[\x00-\x1f\x7f-\x9f]", document.get("hint", "")):
        raise invalid("hint: must not hold a control character")
    if len({"http", "env", "file"} & document.keys()) != 1:
        raise invalid("exactly one of http, env and file must be there")
    if "env" in document and not VARIABLE_NAME.fullmatch(document["env"]):
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
    only(request, path, HTTP_TEXTS | {"url", "headers", "query", "body"})
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
    for name in ("headers", "query"):
        if not isinstance(request.get(name, {}), dict):
            raise invalid(f"http.{name}: must be an object")
        for member, value in request.get(name, {}).items():
            template(value, join(f"http.{name}", member))
    if "" in request.get("query", {}):
        raise invalid("http.query: a parameter must have a name")
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


def check_body(value: Any, path: str) -> None:
    if isinstance(value, str):
        template(value, path)
    for name, member in children(value):
        check_body(member, join(path, name))


def refuse_twice(value: Any, path: str) -> None:
    if isinstance(value, Members) and value.twice is not None:
        raise invalid(f"{join(path, value.twice)}: is there twice")
    for name, member in children(value):
        refuse_twice(member, join(path, name))


def children(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, list):
        yield from ((str(i), element) for i, element in enumerate(value))


def only(members: dict[str, Any], path: str, known: set[str]) -> None:
    for name in members:
        if name not in known:
            raise invalid(f"{join(path, name)}: is not known; known are {', '.join(sorted(known))}")


def text(members: dict[str, Any], path: str, name: str) -> None:
    if not isinstance(members.get(name, ""), str):
        raise invalid(f"{join(path, name)}: must be a string")


def template(value: Any, path: str) -> str:
    if not isinstance(value, str):
        raise invalid(f"{path}: must be a string")
    if any(match[0] == "$" for match in REFERENCE.finditer(value)):
        raise invalid(
            f"{path}: holds a $ that is none of ${{env:NAME}}, ${{env:NAME:-DEFAULT}}, ${{file:PATH}}, ${{audience}} and $$"
        )
    return value


def join(path: str, name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name):
        name = json.dumps(name)[:64]
    return f"{path}.{name}" if path else name


def mentions_audience(value: Any) -> bool:
    """Whether a text, or any text below a value, mentions ${audience}."""
    if isinstance(value, str):
        return any(match["audience"] for match in REFERENCE.finditer(value))
    return any(mentions_audience(member) for _, member in children(value))


def check_url(url: str, origin: str, over_socket: bool) -> None:
    """Refuses what HTTP-2 and HTTP-3 refuse. No error holds a part of the URL."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise invalid(f"{origin}: is not a URL") from None
    if re.search(r"[\x00-\x20\x7f]", url):
        raise invalid(f"{origin}: holds a blank or a control character")
    if "@" in parts.netloc:
        raise invalid(f"{origin}: must not hold a user")
    if "#" in url:
        raise invalid(f"{origin}: must not hold a fragment")
    if parts.scheme not in ("https", "http") or not host:
        raise invalid(f"{origin}: must be an https URL")
    if parts.scheme == "http" and not over_socket and not is_local(host):
        raise invalid(f"{origin}: must be an https URL, for its host is neither loopback nor a metadata service")


def is_local(host: str) -> bool:
    """Whether plain http is allowed to a host (HTTP-2)."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host in ("localhost", "metadata.google.internal")
    return (
        address.is_loopback
        or str(address) in ("169.254.169.254", "fd00:ec2::254")
        or address in ipaddress.ip_network("169.254.128.0/22")
    )


@dataclass
class Expansion:
    """What the references of a document stand for, for one token."""

    audience: str
    secrets: set[str] = field(default_factory=set)

    def expand(self, text: str, in_url: bool = False) -> str:
        return REFERENCE.sub(lambda match: self._replace(match, in_url), text)

    def _replace(self, match: re.Match[str], in_url: bool) -> str:
        if match["dollar"]:
            return "$"
        if match["audience"]:
            return quote(self.audience, safe="") if in_url else self.audience
        if match["file"]:
            value = read_file(match["file"])
            if len(value.encode()) > READ_LIMIT:
                raise invalid(f"the file {match['file']} is larger than 64 KiB")
        else:
            value = read_variable(match["env"], match["default"])
        self.secrets.add(value.strip(BLANKS))
        return value

    def leaves_out(self, text: Any) -> bool:
        """Whether what a text is the value of is not sent (DOC-6)."""
        return not self.audience and isinstance(text, str) and mentions_audience(text)

    def body(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.expand(value)
        if isinstance(value, dict):
            return {name: self.body(member) for name, member in value.items() if not self.leaves_out(member)}
        if isinstance(value, list):
            return [self.body(element) for element in value if not self.leaves_out(element)]
        return value


def read_variable(name: str, default: str | None = None) -> str:
    value = os.environ.get(name, "")
    if value.strip(BLANKS):
        return value
    if default is not None:
        return default
    raise not_configured(f"the variable {name} is {'empty' if name in os.environ else 'not set'}")


def read_file(path: str) -> str:
    """Reads a file without the blanks around it, a large one in part."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise invalid(f"{path} is not a regular file")  # a pipe could block for ever
        with open(path, "rb") as file:
            content = file.read(READ_LIMIT + 1).decode(errors="replace")
    except OSError as error:
        raise not_configured(f"the file {path} cannot be read: {error.strerror}") from None
    if len(content.encode()) <= READ_LIMIT:
        content = content.strip(BLANKS)
    if not content:
        raise not_configured(f"the file {path} is empty")
    return content


# The token server -------------------------------------------------------------


@dataclass(frozen=True)
class HTTPSettings:
    """What botocore does for its own requests, and so for token servers (HTTP-6, RETRY-4)."""

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


@dataclass(frozen=True)
class Request:
    method: str
    url: str
    headers: dict[str, str]
    body: bytes
    secrets: set[str]

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""


def open_server(document: dict[str, Any], audience: str | None) -> TokenServer:
    if audience is None:
        audience = document.get("audience", "")
    request = document.get("http", {})
    places = [document.get("file"), *(request.get(name) for name in ("url", "query", "headers", "body"))]
    if audience and not mentions_audience(places):
        raise invalid("the token server takes no audience")
    if not audience and mentions_audience(places[:2]):
        raise invalid("the token server needs an audience")
    return TokenServer(document, audience)


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
        return self._fetch(self._request(), settings)

    def _request(self) -> Request:
        """The request that the document describes, its references replaced."""
        server, expansion = self.document["http"], Expansion(self.audience)
        url = expansion.expand(server["url"], in_url=True)
        first = REFERENCE.match(server["url"])
        origin = f"the variable {first['env']}" if first and first["env"] else "http.url"
        check_url(url, origin, over_socket=bool(server.get("unix_socket")))
        values = {
            name: expansion.expand(value)
            for name, value in server.get("query", {}).items()
            if not expansion.leaves_out(value)
        }
        headers, body = {}, b""
        if server.get("body") is not None:
            headers["content-type"] = "application/json"
            body = json.dumps(expansion.body(server["body"])).encode()
        for name, value in server.get("headers", {}).items():
            if expansion.leaves_out(value):
                continue
            headers[name.lower()] = expanded = expansion.expand(value)
            if HEADER_CONTROL.search(expanded):
                raise invalid(f"{join('http.headers', name)}: must not hold a control character")
            if not mentions_audience(value):  # a document can hold a secret itself
                expansion.secrets.update(expanded.split())
        parts = urlsplit(url)
        expansion.secrets.update(value for _, value in parse_qsl(parts.query))
        expansion.secrets.add(parts.query)
        url = urlunsplit(parts._replace(query=set_parameters(parts.query, values)))
        for name in ("ca_file", "cert_file", "key_file"):
            if server.get(name):
                read_file(server[name])  # an error that names it
        return Request(server.get("method", "GET"), quote(url, safe="!#$%&'()*+,/:;=?@[]~"), headers, body, expansion.secrets)

    def _fetch(self, request: Request, settings: HTTPSettings) -> str:
        """Sends a request until there is an answer, within bounds."""
        client = self._client(request, settings)
        backoff, deadline = ExponentialBackoff(), time.monotonic() + ALL_ATTEMPTS_SECONDS
        for attempt in itertools.count(1):
            seconds = min(ATTEMPT_SECONDS, deadline - time.monotonic())
            try:
                try:
                    return within(seconds, lambda: self._attempt(client, request))
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

    def _client(self, request: Request, settings: HTTPSettings) -> URLLib3Session:
        server = self.document["http"]
        proxies: dict[str, str] = {}
        if not server.get("unix_socket") and not is_local(request.host):  # HTTP-8
            proxies = settings.proxies or get_environ_proxies(request.url)
        client = URLLib3Session(
            verify=server.get("ca_file") or settings.verify,
            proxies=proxies,
            timeout=ATTEMPT_SECONDS,
            client_cert=(server["cert_file"], server["key_file"]) if server.get("cert_file") else None,
        )
        if server.get("unix_socket"):
            client._manager.pool_classes_by_scheme = unix_pools(server["unix_socket"])
        return client

    def _attempt(self, client: URLLib3Session, request: Request) -> str:
        """Sends a request once. It follows no redirect, as botocore never does."""
        try:
            prepared = AWSRequest(
                method=request.method, url=request.url, headers=request.headers, data=request.body, stream_output=True
            ).prepare()
            response = client.send(prepared)
            status, headers = response.status_code, response.headers
            content = response.raw.read(READ_LIMIT + 1)
        except (BotoCoreError, urllib3.exceptions.HTTPError, http.client.HTTPException, OSError) as error:
            # The error's own text holds the URL (SECRET-4).
            if is_certificate_error(error):
                raise Failure("token-unavailable", f"the certificate of {request.host} is not trusted") from None
            raise Again(f"cannot be reached ({type(error).__name__})") from None
        finally:
            client.close()
        if 200 <= status < 300:
            if len(content) > READ_LIMIT:
                raise malformed(f"{request.host} answered with more than 64 KiB")
            return self._find_token(content)
        problem = f"answered {status}{quoted(content, request.secrets)}"
        pending = status == 403 and b"Can't issue ID_TOKEN" in content and b"'Pending' state" in content
        if pending or status in (408, 429) or status >= 500:
            raise Again(problem, retry_after(headers.get("Retry-After")))
        raise Failure("token-refused", f"{request.host} {problem}")

    def _find_token(self, content: bytes) -> str:
        """The token in an answer (TOKEN-1)."""
        pointer = self.document["http"].get("token", "")
        if not pointer:
            return content.decode(errors="replace")
        try:
            value = json.loads(content)
        except (ValueError, RecursionError):
            raise malformed("the answer is not JSON") from None
        for name in pointer.split("/")[1:]:
            name = name.replace("~1", "/").replace("~0", "~")
            if isinstance(value, dict):
                value = value.get(name)
            elif isinstance(value, list) and re.fullmatch("0|[1-9][0-9]{0,8}", name) and int(name) < len(value):
                value = value[int(name)]
            else:
                value = None
        if not isinstance(value, str):
            raise malformed(f"the answer holds no text at {pointer}")
        return value


def check_token(text: str) -> str:
    token = text.strip(BLANKS)
    if not re.fullmatch("[!-~]{4,20000}", token):
        raise malformed("the token is not 4 to 20,000 characters of printable ASCII without blanks")
    return token


def set_parameters(query: str, values: dict[str, str]) -> str:
    """Puts parameters in the place of those of the same name (DOC-10)."""
    kept = [part for part in query.split("&") if part and unquote_plus(part.partition("=")[0]) not in values]
    return "&".join(kept + ([urlencode(values)] if values else []))


def retry_after(value: str | None) -> float:
    if not value:
        return 0
    if value.strip().isdecimal():
        return float(value)
    try:
        return email.utils.parsedate_to_datetime(value).timestamp() - time.time()
    except (TypeError, ValueError):
        return 0


def quoted(content: bytes, secrets: set[str]) -> str:
    """The beginning of a failed answer, without secrets (SECRET-2)."""
    text = content.decode(errors="replace")
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= 4:
            for form in {secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1]}:
                text = text.replace(form, "***")
    text = re.sub(r"eyJ[A-Za-z0-9_-]{5,}(\.[A-Za-z0-9_-]*)*", "***", text).strip()
    text = text.encode()[:QUOTE_LIMIT].decode(errors="ignore")
    return f": {json.dumps(text)}" if text else ""


def is_certificate_error(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False


def unix_pools(path: str) -> dict[str, type]:
    """Connection pools for urllib3 that connect to a unix socket."""

    def connect(self: Any) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(ATTEMPT_SECONDS)
        connection.connect(path)
        return connection

    def pool(base: Any) -> type:
        connection = type("UnixConnection", (base.ConnectionCls,), {"_new_conn": connect})
        return type("UnixPool", (base,), {"ConnectionCls": connection})

    return {
        "http": pool(urllib3.connectionpool.HTTPConnectionPool),
        "https": pool(urllib3.connectionpool.HTTPSConnectionPool),
    }


def within(seconds: float, function: Callable[[], T]) -> T:
    """Calls a function, and stops waiting for it after a time.

    A time-out of a socket bounds a wait for bytes; this bounds all of it, the
    name's resolution too.
    """
    outcome: queue.SimpleQueue[tuple[Any, BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            outcome.put((function(), None))
        except BaseException as error:
            outcome.put((None, error))

    threading.Thread(target=contextvars.copy_context().run, args=(run,), daemon=True).start()
    try:
        result, error = outcome.get(timeout=max(seconds, 0))
    except queue.Empty:
        raise TimeoutError from None
    if error is not None:
        raise error
    return result


# The exchange with STS --------------------------------------------------------

TOKEN_REFUSALS = {"ExpiredTokenException", "ExpiredToken", "InvalidIdentityToken"}


class TokenServerCredentialFetcher(AssumeRoleWithWebIdentityCredentialFetcher):
    """Exchanges a fresh token for credentials whenever it is called."""

    def __init__(self, *, setting: str, server: TokenServer, settings: HTTPSettings, **kwargs: Any) -> None:
        super().__init__(web_identity_token_loader=self._load_token, **kwargs)
        self._setting, self._server, self._settings, self._token = setting, server, settings, ""

    def _load_token(self) -> str:
        self._token = self._server.token(self._settings)
        return self._token

    def _get_credentials(self) -> dict[str, Any]:
        with named(self._setting):
            try:
                return within(RETRIEVAL_SECONDS, self._exchange)
            except TimeoutError:
                raise Failure("sts-unavailable", f"STS did not answer for the role {self._role_arn} in time") from None

    def _exchange(self) -> dict[str, Any]:
        for again in (False, True):
            try:
                return super()._get_credentials()
            except ClientError as error:
                if again or error.response["Error"]["Code"] not in TOKEN_REFUSALS:
                    self._refuse(error)
            except (ConnectionError, HTTPClientError) as error:
                raise Failure("sts-unavailable", f"STS cannot be reached for the role {self._role_arn}") from error
        raise AssertionError

    def _refuse(self, error: ClientError) -> None:
        code = error.response["Error"]["Code"]
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        cause: ClientError | None = error
        said = str(error)
        if self._token.rpartition(".")[2] in said:  # STS repeats the token
            cause, said = None, code
        if status >= 500 or status == 429 or code == "IDPCommunicationError" or code in THROTTLED:
            raise Failure("sts-unavailable", f"STS did not answer for the role {self._role_arn}: {said}") from cause
        raise Failure("role-denied", f"STS denied the role {self._role_arn} to {describe(self._token)}: {said}") from cause


THROTTLED = set(ThrottledRetryableChecker._THROTTLED_ERROR_CODES)


def describe(token: str) -> str:
    """The claims that a trust policy looks at, not verified (ERR-4)."""
    try:
        _, payload, _ = token.split(".")
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return "a token with " + ", ".join(f"{name} {json.dumps(claims.get(name))}" for name in ("iss", "sub", "aud"))
    except (ValueError, AttributeError):
        return "a token that is no JWT"


# botocore's credential chain --------------------------------------------------


class TokenServerProvider(AssumeRoleWithWebIdentityProvider):
    """botocore's provider of web identity, which knows token servers too."""

    def __init__(self, *, settings: HTTPSettings, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._settings = settings

    def load(self) -> DeferredRefreshableCredentials | None:
        found = self._find_server()
        if found is None:
            return super().load()
        value, setting = found
        with named(setting):
            server = parse(value)
            role_arn = self._either("role_arn", "AWS_ROLE_ARN")
            if not role_arn:
                raise invalid("there is no role: set AWS_ROLE_ARN, or role_arn in the profile")
        session_name = self._either("role_session_name", "AWS_ROLE_SESSION_NAME")
        fetcher = TokenServerCredentialFetcher(
            setting=setting,
            server=server,
            settings=self._settings,
            client_creator=self._client_creator,
            role_arn=role_arn,
            extra_args={"RoleSessionName": session_name} if session_name else None,
            cache=self.cache,
        )
        return DeferredRefreshableCredentials(method=self.METHOD, refresh_using=fetcher.fetch_credentials)

    def _find_server(self) -> tuple[str, str] | None:
        """The value in use and the setting that holds it, if it is no file."""
        places = [(self._get_profile_config, KEY, FILE_KEY, f'{KEY} of the profile "{self._profile_name}"')]
        if not self._disable_env_vars:
            places.insert(0, (os.environ.get, VARIABLE, FILE_VARIABLE, VARIABLE))
        for get, server, file, setting in places:
            if get(server) and get(file):
                with named(setting):
                    raise invalid(f"both {server} and {file} are set: remove one of the two")
            if get(server):
                return get(server), setting
            if get(file):
                return None
        return None

    def _either(self, key: str, variable: str) -> str | None:
        from_environment = None if self._disable_env_vars else os.environ.get(variable)
        return from_environment or self._get_profile_config(key)


class TokenServerProfileProviders(ProfileProviderBuilder):
    """Makes the providers of a profile, of a source_profile too (KEY-7)."""

    def _create_web_identity_provider(self, profile_name: str, disable_env_vars: bool) -> TokenServerProvider:
        theirs = super()._create_web_identity_provider(profile_name, disable_env_vars)
        return TokenServerProvider(
            settings=HTTPSettings.of(self._session),
            load_config=theirs._load_config,
            client_creator=theirs._client_creator,
            profile_name=profile_name,
            cache=theirs.cache,
            disable_env_vars=disable_env_vars,
        )


class TokenServerAssumeRoleProvider(AssumeRoleProvider):
    """botocore's provider of source_profile, which leaves token servers alone."""

    def _has_assume_role_config_vars(self, profile: dict[str, Any]) -> bool:
        return super()._has_assume_role_config_vars(profile) and not profile.get(KEY)


def install(session: Session) -> None:
    """Makes a session understand web_identity_token_server."""
    resolver = session.get_component("credential_provider")
    theirs = resolver.get_provider(AssumeRoleProvider.METHOD)
    providers = TokenServerProfileProviders(session, cache=theirs.cache)
    ours = {
        AssumeRoleProvider.METHOD: TokenServerAssumeRoleProvider(
            load_config=theirs._load_config,
            client_creator=theirs._client_creator,
            cache=theirs.cache,
            profile_name=theirs._profile_name,
            credential_sourcer=theirs._credential_sourcer,
            profile_provider_builder=providers,
        ),
        AssumeRoleWithWebIdentityProvider.METHOD: providers._create_web_identity_provider(
            theirs._profile_name, disable_env_vars=session.instance_variables().get("profile") is not None
        ),
    }
    for method, provider in ours.items():
        resolver.insert_after(method, provider)
        resolver.remove(method)  # the first of that name: botocore's
