"""The error tree.

AppError (500 INTERNAL)
├── ValidationError        422 VALIDATION_FAILED
├── AuthenticationError    401 AUTHENTICATION_REQUIRED
├── AuthorizationError     403 FORBIDDEN
├── NotFoundError          404 NOT_FOUND
├── ConflictError          409 CONFLICT
│   └── SettingsRefused    409 SETTINGS_REFUSED
├── RateLimited            429 RATE_LIMITED
├── UpstreamError          502 UPSTREAM_FAILED
├── Unavailable            503 UNAVAILABLE
│   ├── SourceUnavailable  503 SETTINGS_SOURCE_UNAVAILABLE
│   └── FeatureDisabled    503 FEATURE_DISABLED
├── DeadlineExceeded       504 DEADLINE_EXCEEDED
└── StartupError           500 STARTUP_FAILED (ends the process with exit code 78)

An error inside the tree with a status below 500 is expected: it is answered, not alerted. All others are incidents.
"""

from collections.abc import Mapping
from typing import Any, ClassVar


class AppError(Exception):
    """Something went wrong on our side."""

    code: ClassVar[str] = "INTERNAL"
    status: ClassVar[int] = 500

    def __init__(self, message: str | None = None, *, details: Mapping[str, Any] | None = None) -> None:
        self.message = message or (type(self).__doc__ or "").strip()
        self.details: dict[str, Any] = dict(details or {})
        super().__init__(self.message)


class ValidationError(AppError):
    """The request's content doesn't fit what is expected."""

    code = "VALIDATION_FAILED"
    status = 422


class AuthenticationError(AppError):
    """A valid credential is needed."""

    code = "AUTHENTICATION_REQUIRED"
    status = 401


class AuthorizationError(AppError):
    """This credential doesn't allow that."""

    code = "FORBIDDEN"
    status = 403


class NotFoundError(AppError):
    """There is no such thing."""

    code = "NOT_FOUND"
    status = 404


class ConflictError(AppError):
    """The present state doesn't allow that."""

    code = "CONFLICT"
    status = 409


class SettingsRefused(ConflictError):
    """The settings are not valid; the previous ones keep serving."""

    code = "SETTINGS_REFUSED"


class RateLimited(AppError):
    """Too many requests; try again later."""

    code = "RATE_LIMITED"
    status = 429


class UpstreamError(AppError):
    """A service that this one depends on failed."""

    code = "UPSTREAM_FAILED"
    status = 502


class Unavailable(AppError):
    """A part that this needs is not available right now."""

    code = "UNAVAILABLE"
    status = 503


class SourceUnavailable(Unavailable):
    """The settings source can't be reached."""

    code = "SETTINGS_SOURCE_UNAVAILABLE"


class FeatureDisabled(Unavailable):
    """This feature is switched off in the settings."""

    code = "FEATURE_DISABLED"


class DeadlineExceeded(AppError):
    """The time allowed for this has run out."""

    code = "DEADLINE_EXCEEDED"
    status = 504


class StartupError(AppError):
    """The process can't start with this configuration."""

    code = "STARTUP_FAILED"
