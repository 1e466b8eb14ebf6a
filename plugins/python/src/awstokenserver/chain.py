"""botocore's credential chain, with token servers in it (KEY, ENV, PREC)."""

from __future__ import annotations

import os
from typing import Any

from botocore.credentials import (
    AssumeRoleProvider,
    AssumeRoleWithWebIdentityProvider,
    DeferredRefreshableCredentials,
    ProfileProviderBuilder,
)
from botocore.session import Session

from .errors import invalid, named
from .settings import HTTPSettings
from .sts import TokenServerCredentialFetcher
from .template import BLANKS
from .value import parse

KEY = "web_identity_token_server"
VARIABLE = "AWS_WEB_IDENTITY_TOKEN_SERVER"
FILE_KEY = "web_identity_token_file"
FILE_VARIABLE = "AWS_WEB_IDENTITY_TOKEN_FILE"


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
            value = get(server)
            value = value.strip(BLANKS) if isinstance(value, str) else None  # else lines nested under an empty key
            if value and get(file):
                with named(setting):
                    raise invalid(f"both {server} and {file} are set: remove one of the two")
            if value:
                return value, setting
            if get(file):
                return None
        return None

    def _either(self, key: str, variable: str) -> str | None:
        from_environment = "" if self._disable_env_vars else os.environ.get(variable, "").strip(BLANKS)
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


def install(session: Any = None) -> Any:
    """Makes a session understand web_identity_token_server, and returns it.

    The session is botocore's or boto3's; without one it is boto3's default
    session, which boto3.client and boto3.resource use. Call it before the
    session makes its first client. Nothing is sent: the token is fetched when
    credentials are first needed, and afresh whenever they are renewed.

    :raises TokenServerError: later, by whatever needs credentials.
    """
    if session is None:
        import boto3

        boto3.setup_default_session()
        session = boto3.DEFAULT_SESSION
    install_into(getattr(session, "_session", session))
    return session


def install_into(session: Session) -> None:
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
