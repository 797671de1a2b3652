"""The two credentials of a process: the operations token and XXL-JOB's access token."""

import contextlib
import os
import secrets
from pathlib import Path
from typing import Final

from app.common.const import is_weak_secret
from app.common.errors import StartupError
from app.config.environment import Environment
from app.config.snapshot import Settings

OPS_TOKEN: Final = "ops_token"  # noqa: S105 - a file name
ACCESS_TOKEN: Final = "access_token"  # noqa: S105 - a file name


def ensure_local_token(data_dir: Path, name: str) -> str:
    """The machine's own token `name`: made once, whoever asks first, in a file that only its user reads."""
    path = data_dir / "tokens" / name
    with contextlib.suppress(FileNotFoundError):
        return path.read_text().strip()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{name}.{os.getpid()}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_urlsafe(32))
    with contextlib.suppress(FileExistsError):  # link, unlike rename, leaves the first one in place
        os.link(draft, path)
    draft.unlink()
    return path.read_text().strip()


def ops_token(environment: Environment, settings: Settings) -> str | None:
    """The token of the operations endpoints, or None when nothing usable is configured: then they answer 401."""
    configured = settings.server.ops_token.get_secret_value()
    if not is_weak_secret(configured):
        return configured
    return ensure_local_token(environment.data_dir, OPS_TOKEN) if environment.is_local else None


def access_token(environment: Environment, settings: Settings) -> str:
    """XXL-JOB's token: the configured one, locally the machine's own when none is configured.

    Raises StartupError for an empty or well-known token outside the local environment, unless it is allowed.
    """
    configured = settings.xxl_job.access_token.get_secret_value()
    if environment.is_local:
        return configured or ensure_local_token(environment.data_dir, ACCESS_TOKEN)
    if is_weak_secret(configured) and not settings.xxl_job.allow_weak_token:
        raise StartupError(
            "xxl-job.access_token is empty or well known: set the console's own token, "
            "or xxl-job.allow_weak_token: true if you accept that anyone who reaches the port can run jobs"
        )
    return configured
