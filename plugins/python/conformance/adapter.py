"""The adapter of botocore: as it is, or with the package awstokenserver.

    python adapter.py [plugin]

See docs/conformance.md.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from typing import Any

import botocore.session
from botocore import exceptions

AS_IT_IS = [
    "refresh",
    "account-id",
    "profile-over-env",
    "keys-profile-over-env",
    "env-over-profile",
    "env-keys-over-profile",
    "role-over-keys",
    "services",
    "global-endpoint-url",
    "ca-bundle",
]
PLUGIN = ["token-server", "document", "form", "servers", "tls", "unix-socket", "error-class"]

# What botocore raises where a setting is wrong.
CONFIG_INVALID = (
    exceptions.ProfileNotFound,
    exceptions.InvalidConfigError,
    exceptions.PartialCredentialsError,
    exceptions.InfiniteLoopConfigError,
)


def load(with_plugin: bool) -> Any:
    session = botocore.session.Session(profile=os.environ.get("AWS_CONFORMANCE_PROFILE"))
    if with_plugin:
        import awstokenserver

        awstokenserver.install(session)
    credentials = session.get_credentials()
    if credentials is None:
        raise exceptions.NoCredentialsError
    return credentials


def error_class(error: Exception) -> str:
    if hasattr(error, "error_class"):
        return error.error_class
    return "config-invalid" if isinstance(error, CONFIG_INVALID) else ""


def retrieve(credentials: Any) -> dict[str, Any]:
    keys = credentials.get_frozen_credentials()
    line = {"AccessKeyId": keys.access_key, "SecretAccessKey": keys.secret_key, "SessionToken": keys.token or ""}
    if keys.account_id:
        line["AccountId"] = keys.account_id
    if getattr(credentials, "_expiry_time", None):  # botocore has no public name for it
        line["Expiration"] = credentials._expiry_time.isoformat()
    return line


def main() -> int:
    with_plugin = "plugin" in sys.argv[1:]
    if "capabilities" in sys.argv[1:]:
        print(json.dumps(AS_IT_IS + (PLUGIN if with_plugin else [])))
        return 0
    # On DEBUG, botocore writes the bodies of requests to STS, tokens included.
    logging.basicConfig(level=logging.INFO)
    status, credentials = 0, None
    for n in range(int(os.environ["AWS_CONFORMANCE_RETRIEVALS"])):
        if n:
            time.sleep(float(os.environ["AWS_CONFORMANCE_WAIT_SECONDS"]))
        try:
            if credentials is None:
                credentials = load(with_plugin)
            line = retrieve(credentials)
        except Exception as error:  # noqa: BLE001 - it is what the case asks for
            line, status = {"Error": {"Class": error_class(error), "Message": str(error)}}, 1
        print(json.dumps({"Version": 1, **line}), flush=True)
        if credentials is None:
            break
    return status


if __name__ == "__main__":
    sys.exit(main())
