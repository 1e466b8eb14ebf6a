"""The one error that callers see, and how the modules raise it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from botocore.exceptions import BotoCoreError


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
        raise TokenServerError(error_class=failure.error_class, setting=setting, problem=str(failure)) from failure.__cause__
