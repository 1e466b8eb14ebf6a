import os
import socket
import threading

import botocore.session
import pytest

import awstokenserver
from awstokenserver import client
from awstokenserver.errors import Failure
from awstokenserver.file import read_file
from awstokenserver.response import find_token, retry_after

from .world import CREDENTIALS, TOKEN, refusal, serve

OK = (200, {"Content-Type": "application/json"}, b'{"value": "%s"}' % TOKEN.encode())
ROLE = (200, {"Content-Type": "text/xml"}, CREDENTIALS.encode())


def retrieve(monkeypatch, tokens, sts, **environment):
    """What a session makes of the answers of a token server and of STS, and what the two were asked."""
    with serve(*tokens) as (token_url, token_requests), serve(*sts) as (sts_url, sts_requests):
        values = {
            "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/deploy",
            "AWS_WEB_IDENTITY_TOKEN_SERVER": "URL_VAR,TOKEN_VAR",
            "URL_VAR": token_url + "/token?b=%2f&a=~",
            "TOKEN_VAR": "s3cr3t-request-token",
            "AWS_ENDPOINT_URL_STS": sts_url,
            **environment,
        }
        for name, value in values.items():
            monkeypatch.setenv(name, value)
        session = awstokenserver.install(botocore.session.Session())
        try:
            return session.get_credentials().get_frozen_credentials(), token_requests, sts_requests
        except awstokenserver.TokenServerError as error:
            assert "s3cr3t" not in str(error) and "eyJ" not in str(error)
            return error, token_requests, sts_requests


def test_role(monkeypatch):
    keys, tokens, sts = retrieve(monkeypatch, [OK], [ROLE])
    assert keys.access_key == "ASIAEXAMPLE"
    assert tokens[0]["path"] == "/token?b=%2f&a=~"
    assert tokens[0]["headers"]["Authorization"] == "Bearer s3cr3t-request-token"
    assert tokens[0]["headers"]["Accept-Encoding"] == "identity"
    assert sts[0]["form"]["WebIdentityToken"] == [TOKEN]


@pytest.mark.parametrize(
    "tokens, sts, error_class, asked",
    [
        ([(101, {}, b"")], [], "token-refused", (1, 0)),
        ([(403, {}, b"no s3cr3t-request-token")], [], "token-refused", (1, 0)),
        ([(403, {}, b"x" * 70000)], [], "token-refused", (1, 0)),
        ([(500, {}, b"x" * 70000)], [], "token-unavailable", (2, 0)),
        ([(600, {}, b"")], [], "token-unavailable", (1, 0)),
        ([(503, {"Retry-After": "9" * 20}, b"")], [], "token-unavailable", (1, 0)),
        ([(200, {"Content-Length": "500"}, OK[2])], [], "token-unavailable", (2, 0)),
        ([(200, {"X-Long": "x" * 70000}, OK[2])], [], "token-unavailable", (2, 0)),
        ([(200, {}, b'{"value": NaN}')], [], "token-malformed", (1, 0)),
        ([OK], [refusal("AccessDenied", TOKEN, 403)], "role-denied", (1, 1)),
        ([OK], [refusal("ExpiredTokenException")], "role-denied", (2, 1)),
        ([OK], [refusal("InvalidIdentityToken")], "role-denied", (2, 2)),
        ([OK], [refusal("ValidationError")], "config-invalid", (1, 1)),
        ([OK], [refusal("RegionDisabledException", status=403)], "config-invalid", (1, 1)),
        ([OK], [(403, {"Content-Type": "text/html"}, b"<html>no</html>")], "sts-unavailable", (1, 1)),
        ([OK], [(404, {"Content-Type": "application/json"}, b'{"message": "no"}')], "sts-unavailable", (1, 1)),
        ([OK], [(302, {}, b"")], "sts-unavailable", (1, 1)),
        ([OK], [(200, {"Content-Type": "text/html"}, b"<html>welcome</html>")], "sts-unavailable", (1, 1)),
        ([OK], [(200, {}, b"")], "sts-unavailable", (1, 1)),
        (
            [OK],
            [(200, {}, CREDENTIALS.replace("<SecretAccessKey>secret</SecretAccessKey>", "").encode())],
            "sts-unavailable",
            (1, 1),
        ),
    ],
)
def test_failure(monkeypatch, tokens, sts, error_class, asked):
    error, token_requests, sts_requests = retrieve(
        monkeypatch, tokens, sts or [ROLE], AWS_MAX_ATTEMPTS="2", AWS_RETRY_MODE="standard"
    )
    assert getattr(error, "error_class", error) == error_class, error
    assert (len(token_requests), len(sts_requests)) == asked


def test_boto3(monkeypatch):
    boto3 = pytest.importorskip("boto3")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_SERVER", "GitHub")
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/deploy")
    session = boto3.Session()
    assert awstokenserver.install(session) is session
    with pytest.raises(awstokenserver.TokenServerError, match="ACTIONS_ID_TOKEN_REQUEST_URL is not set"):
        session.client("sts").get_caller_identity()


def test_name_of_another_machine(monkeypatch):
    """A name stands for what DNS says, and plain http is for this machine."""
    monkeypatch.setattr(client, "is_local_address", lambda address: False)
    error, tokens, _ = retrieve(monkeypatch, [OK], [ROLE])
    assert error.error_class == "config-invalid" and "not an address of this machine" in str(error)
    assert not tokens


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names")
def test_pipe_in_place_of_a_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Failure, match="not a regular file"):
        read_file(str(tmp_path / "pipe"))


@pytest.mark.parametrize(
    "content, token",
    [
        (b'{"a": {"b": ["x", "token"]}}', "token"),
        (b'\xef\xbb\xbf{"a": {"b": [0, "token"]}}', "token"),
        (b'{"n": 1, "n": 2, "a": {"b": [0, "token"]}}', "token"),
        (b'{"a": {"b": [0, "token"]}, "a": {"b": [0, "other"]}}', None),
        (b'{"a": {"b": [0, "\xff"]}}', None),
        (b'{"a": {"b": [0, 1]}}', None),
        (b"[]", None),
        (b"", None),
    ],
)
def test_find_token(content, token):
    if token:
        assert find_token(content, "/a/b/1") == token
    else:
        with pytest.raises(Failure) as caught:
            find_token(content, "/a/b/1")
        assert caught.value.error_class == "token-malformed"


def test_retry_after():
    assert retry_after("3") == 3
    assert retry_after("9" * 20) > 60
    assert retry_after("Fri, 01 Jan 2100 00:00:00 GMT") > 60
    assert retry_after("soon") == 0 == retry_after(None)


def test_listens_without_answer(monkeypatch):
    monkeypatch.setattr(client, "ATTEMPT_SECONDS", 0.05)
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    error, _, _ = retrieve(monkeypatch, [OK], [ROLE], URL_VAR=url, AWS_MAX_ATTEMPTS="1")
    assert error.error_class == "token-unavailable" and "in time" in str(error)
    listener.close()
    assert threading.active_count() < 50
