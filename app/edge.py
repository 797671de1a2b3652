"""What controllers take at the edge of a request: the runtime, the request's transaction, the operations token."""

import hmac
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import HTTPConnection

from app.common.errors import AuthenticationError
from app.config.tokens import ops_token
from app.runtime import Runtime, runtime_of


async def _runtime(connection: HTTPConnection) -> Runtime:
    # async, for FastAPI would run a plain function in a thread, for every request;
    # `runtime_of` names HTTPConnection for type checkers only; FastAPI has to find the class itself
    return runtime_of(connection)


RuntimeDep = Annotated[Runtime, Depends(_runtime)]


def has_ops_token(connection: HTTPConnection) -> bool:
    """Whether the request bears the operations token; compared in constant time."""
    runtime = runtime_of(connection)
    expected = ops_token(runtime.environment, runtime.settings.state.snapshot.settings)
    scheme, _, given = connection.headers.get("authorization", "").partition(" ")
    sent = given.strip().encode("latin-1")  # the bytes as they came
    matches = hmac.compare_digest(sent, (expected or "").encode())
    return bool(expected) and scheme.lower() == "bearer" and matches


async def require_ops_token(connection: HTTPConnection) -> None:
    """Raises AuthenticationError unless the request bears `Authorization: Bearer <server.ops_token>`."""
    if not has_ops_token(connection):
        raise AuthenticationError("send `Authorization: Bearer <server.ops_token>`")


async def _transaction(runtime: RuntimeDep) -> AsyncIterator[AsyncSession]:
    async with runtime.db.transaction() as session:
        yield session


DbSession = Annotated[AsyncSession, Depends(_transaction, scope="function")]
"""The request's one transaction: committed before the answer is sent, rolled back on any error."""
