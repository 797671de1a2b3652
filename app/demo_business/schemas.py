"""What goes in and out of this feature, and its settings."""

from datetime import datetime
from typing import Annotated

from pydantic import AnyHttpUrl, BaseModel, ConfigDict, Field, StringConstraints

from app.config.settings import Section

Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100),
    Field(description="who is greeted", examples=["Ada"]),
]


class DemoSettings(Section):
    """The section `demo` of the settings document. Live: the next request sees a change."""

    greeting: str = Field("Hello", max_length=150, description="the word before the name")
    echo_url: AnyHttpUrl | None = Field(
        None, description="who is asked to echo; empty: this project's own `/demo/hello/world`"
    )


class Hello(BaseModel):
    """A first sign of life."""

    msg: str = Field(examples=["Hello world"])
    time: datetime
    host: str = Field(description="the machine that answered")


class NewGreeting(BaseModel):
    """Who is to be greeted."""

    name: Name


class GreetingArgs(BaseModel):
    """The parameter of `demo_greeting_job`; none greets the world."""

    name: Name = "world"


class GreetingView(BaseModel):
    """A greeting as it is kept."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    name: str
    text: str = Field(examples=["Hello Ada"])
    echoed_by: str = Field(description="the machine that echoed the greeting")
    trace_id: str = Field(description="find everything that this greeting caused with one grep")
    created_at: datetime
