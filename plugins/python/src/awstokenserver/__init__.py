"""web_identity_token_server for botocore and boto3.

    session = awstokenserver.install(boto3.Session())

The session then understands the key web_identity_token_server of a profile and
the variable AWS_WEB_IDENTITY_TOKEN_SERVER. The ids in comments are the clauses of
https://github.com/awstokenserver/config/blob/main/docs/specification.md. In all
that it does not say, a token server is what a token file is to botocore: the
environment and the profile are put together key by key, the environment first.
"""

from .chain import install
from .errors import TokenServerError

__all__ = ["TokenServerError", "install"]
