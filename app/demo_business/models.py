"""The tables of this feature."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from app.config.db.types import UtcDateTime


class Base(DeclarativeBase):
    pass


class Greeting(Base):
    """One greeting that was given."""

    __tablename__ = "demo_greeting"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    text: Mapped[str] = mapped_column(String(300))
    echoed_by: Mapped[str] = mapped_column(String(255))
    trace_id: Mapped[str] = mapped_column(String(64), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


metadata = Base.metadata
