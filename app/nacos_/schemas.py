"""What the settings endpoints answer."""

from typing import Any

from pydantic import BaseModel, Field


class RefreshAnswer(BaseModel):
    """What a refresh came to, in the process that answers."""

    outcome: str = Field(description="applied, unchanged, pending (a resource isn't there yet) or refused")
    revision: int
    md5: str = Field(description="of the text that was read")
    changes: list[str] = Field(description="`path: old → new`, secrets masked")
    resources: list[str] = Field(description="resources that were replaced")
    reasons: list[str] = Field(description="why it was refused or is pending; never a value")
    config: dict[str, Any] = Field(description="the effective document after the refresh, secrets masked")
    instance: str


class HistoryAnswer(BaseModel):
    """The last applies of the process that answers, newest first."""

    instance: str
    entries: list[dict[str, Any]]
