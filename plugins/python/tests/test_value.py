import base64
import json

import pytest

from awstokenserver.errors import Failure
from awstokenserver.value import SERVERS, parse


def document(text):
    return base64.b64encode((text if isinstance(text, str) else json.dumps(text)).encode()).decode()


def http(**members):
    return document({"version": 1, "http": {"url": "https://host/", **members}})


@pytest.mark.parametrize(
    "value",
    [
        "GitHub",
        " GitHub , https://audience,with,commas ",
        "URL_VAR,TOKEN_VAR",
        "e2e_url,e2e_token",
        "e2FiYw,TOKEN_VAR",  # base64 of {abc
        document({"version": 1, "env": "A"}),
        document({"version": 1, "env": "A"}).rstrip("="),
        document('{"version": 1.0, "env": "A"}'),
        document('{"version": 1e0, "env": "A"}'),
        http(method="POST", body={"n": [0.1, 100, 1.50, 9007199254740992]}),
        http(method="POST", form={"a": "${env:A}"}),
        http(retry=[404, 410]),
        document({"version": 1, "http": {"url": "http://[::1]:80/"}}),
    ],
)
def test_good(value):
    parse(value)


@pytest.mark.parametrize("name", SERVERS)
def test_documents_of_named_servers(name):
    parse(document(SERVERS[name]) + ",audience" * ("${audience}" in json.dumps(SERVERS[name])))


@pytest.mark.parametrize(
    "value, says",
    [
        ("Github", "write GitHub"),
        ("github,sts.amazonaws.com", "write GitHub"),
        ("URL_VAR", "names no token server"),
        ("URL_VAR,ghp_s3cr3t", "names no token server"),
        ("URL_VAR,N" + "s3cr3t" * 11, "names no token server"),
        (document('{"version": 1, "env": "ABC"}')[:-1], "names no token server"),
        (document({"version": 1, "env": "A"}) + "=", "names no token server"),
        (document({"version": 2, "env": "A"}), "version"),
        (document({"version": 1, "env": "ASIAs3cr3t"}), "env"),
        (document({"version": 1, "audience": "a", "env": "A"}), "audience: has no effect"),
        (document({"version": 1, "audience": "a", "env": "A"}) + ",", "audience: has no effect"),
        (document('{"version": 1, "env": "A", "env": "B"}'), "env: is there twice"),
        (document('{"version": NaN, "env": "A"}'), "not JSON"),
        (http(method="POST", body={"n": 12345678901234567890}), "number"),
        (document('{"version": 1, "http": {"url": "https://host/", "method": "POST", "body": {"n": 1e400}}}'), "number"),
        (document('{"version": 1, "http": {"url": "https://host/", "method": "POST", "body": {"n": 1e-400}}}'), "number"),
        (http(form={"a": "b"}), "http.form: needs the method POST"),
        (http(method="POST", form={"a": "b"}, body={}), "http.form: cannot be beside"),
        (http(method="POST", form={"a": 1}), "http.form.a"),
        (http(retry=[500]), "http.retry"),
        (http(retry=[404, 404]), "http.retry"),
        (http(retry=[]), "http.retry"),
        (document('{"version": 1, "http": ' + '{"body":' * 31 + "{}" + "}" * 31 + "}"), "nested deeper"),
        (document({"version": 1, "http": {"url": "http://127.1/"}}), "https"),
        (document({"version": 1, "http": {"url": "http://2130706433/"}}), "https"),
        (document({"version": 1, "http": {"url": "http://[::ffff:127.0.0.1]/"}}), "https"),
        (document({"version": 1, "http": {"url": "http://[0:0:0:0:0:0:0:1]/"}}), "https"),
    ],
)
def test_refused(value, says):
    with pytest.raises(Failure, match=says) as caught:
        parse(value)
    assert caught.value.error_class == "config-invalid"
    assert "s3cr3t" not in str(caught.value)
