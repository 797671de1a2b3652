"""The `nacos` section of `config_{env}.yaml` and the NACOS_* variables: how Nacos is reached, what is read there."""

import difflib
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import SplitResult, urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError

from app.common.errors import StartupError

DEFAULT_PORT: Final = 8848
DEFAULT_CONTEXT_PATH: Final = "/nacos"
PUBLIC: Final = "public"
_MAX_PORT: Final = 65_535
_NAME: Final = re.compile(r"[A-Za-z0-9._:-]{1,256}")
_NAMESPACE: Final = re.compile(r"[A-Za-z0-9._:-]{0,128}")
_VARIABLES: Final = {
    "NACOS_HOST": "host",
    "NACOS_USERNAME": "username",
    "NACOS_PASSWORD": "password",
    "NACOS_NAMESPACE": "namespace",
    "NACOS_GROUP": "group",
    "NACOS_DATA_ID": "data_id",
}


@dataclass(frozen=True)
class NacosAddress:
    """One server as its HTTP interface is reached."""

    scheme: str
    host: str
    port: int
    context_path: str = DEFAULT_CONTEXT_PATH

    @property
    def netloc(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.netloc}{self.context_path}"


@dataclass(frozen=True)
class NacosConnection:
    """Where the settings are: checked and normalised. `data_ids` stand in rising precedence."""

    addresses: tuple[NacosAddress, ...]
    data_ids: tuple[str, ...]
    username: str = ""
    password: SecretStr = field(default=SecretStr(""))
    namespace: str = PUBLIC
    group: str = "DEFAULT_GROUP"
    grpc_port_offset: int = 1000
    watch: bool = True
    allow_env: frozenset[str] = frozenset()
    ca_file: Path | None = None

    @property
    def namespaces(self) -> tuple[str, ...]:
        """The namespace ids to read, in order. Nacos 2.x keeps the public namespace under the empty id, 3.x knows both.

        Listening under the empty id makes a Nacos 3 server forget to tell Java clients, so it comes second.
        """
        return (PUBLIC, "") if self.namespace in {PUBLIC, ""} else (self.namespace,)

    @property
    def is_tls(self) -> bool:
        return self.addresses[0].scheme == "https"

    @property
    def identity(self) -> str:
        """What makes a remembered text belong to this connection; no credentials."""
        servers = ",".join(sorted(address.url for address in self.addresses))
        return "|".join((servers, self.namespaces[0], self.group, ",".join(self.data_ids)))

    @property
    def key(self) -> str:
        """`identity` as a file name."""
        return hashlib.sha256(self.identity.encode()).hexdigest()[:32]


def _listed(value: object) -> object:
    """A comma list, or a YAML list, as a tuple."""
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list | tuple):
        return value
    return tuple(item for item in (str(item).strip() for item in items) if item)


_Names = Annotated[tuple[str, ...], BeforeValidator(_listed)]


class NacosSection(BaseModel):
    """The `nacos` section as it is written."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True, hide_input_in_errors=True)

    host: _Names = Field((), description="comma list, each with or without scheme, port and context path")
    username: str = ""
    password: SecretStr = SecretStr("")
    namespace: str = ""
    group: str = "DEFAULT_GROUP"
    data_id: _Names = ()
    data_ids: _Names = Field((), description="layered: a later document overrides an earlier one")
    grpc_port_offset: int = Field(1000, ge=-65535, le=65535, description="gRPC port minus HTTP port")
    watch: bool = True
    allow_env: _Names = Field((), description="variables that documents in Nacos may read by ${NAME}")
    ca_file: str | None = Field(None, description="PEM file of the authority that signed the servers' certificates")


def build_nacos_connection(section: Mapping[str, Any], variables: Mapping[str, str]) -> NacosConnection:
    """The connection that a `nacos` section (placeholders already filled in) and the NACOS_* variables describe.

    A variable that is set and not empty replaces its key. Raises StartupError naming keys and rules, never a value.
    """
    given = {key: value for key, value in section.items() if value is not None}
    for variable, key in _VARIABLES.items():
        if variables.get(variable):
            given[key] = variables[variable]
            if key == "data_id":
                given.pop("data_ids", None)
    try:
        written = NacosSection.model_validate(given)
    except ValidationError as error:
        reasons = (_reason(problem) for problem in error.errors(include_url=False, include_input=False))
        raise StartupError("; ".join(reasons)) from None
    addresses = tuple(dict.fromkeys(parse_address(host) for host in written.host))
    data_ids = tuple(dict.fromkeys(written.data_ids or written.data_id))
    _check(written, addresses, data_ids)
    return NacosConnection(
        addresses=addresses,
        data_ids=data_ids,
        username=written.username,
        password=written.password,
        namespace=written.namespace or PUBLIC,
        group=written.group,
        grpc_port_offset=written.grpc_port_offset,
        watch=written.watch,
        allow_env=frozenset(written.allow_env),
        ca_file=Path(written.ca_file) if written.ca_file else None,
    )


def parse_address(text: str) -> NacosAddress:
    """`host`, `host:8848`, `http://host:8848/nacos`, `[::1]:8848`. Raises StartupError."""
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
    except ValueError:
        raise StartupError("nacos.host: an IPv6 address must look like [::1]:8848") from None
    try:
        port = parts.port
    except ValueError:
        raise _bad_host(parts, "the port must be a number up to 65535") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or not _is_host(parts.hostname):
        raise _bad_host(parts, "must look like nacos.example.com:8848 or https://nacos.example.com:8848/nacos")
    if parts.username is not None or parts.query or parts.fragment:
        raise _bad_host(parts, "credentials belong to nacos.username and nacos.password, and there is no query")
    path = parts.path.rstrip("/")
    return NacosAddress(parts.scheme, parts.hostname, port or DEFAULT_PORT, path or DEFAULT_CONTEXT_PATH)


def _is_host(name: str) -> bool:
    """Whether it can be looked up at all: what can't fails deep inside with an error of its own."""
    try:
        encoded = name.encode("idna")
    except UnicodeError:
        return False
    return bool(encoded) and not any(character.isspace() for character in name)


def _bad_host(parts: SplitResult, rule: str) -> StartupError:
    shown = "" if parts.username is not None or parts.hostname is None else f" ({parts.hostname})"
    return StartupError(f"nacos.host{shown}: {rule}")


def _check(written: NacosSection, addresses: tuple[NacosAddress, ...], data_ids: tuple[str, ...]) -> None:
    problems = []
    if not addresses:
        problems.append("nacos.host is missing: set it, or NACOS_HOST")
    if len({address.scheme for address in addresses}) > 1:
        problems.append("nacos.host: http and https can't be mixed")
    if any(not 0 < address.port + written.grpc_port_offset <= _MAX_PORT for address in addresses):
        problems.append("nacos.grpc_port_offset: the port and the offset together are no port")
    if not data_ids:
        problems.append("nacos.data_id is missing: set it, or NACOS_DATA_ID")
    if written.data_id and written.data_ids:
        problems.append("nacos.data_id and nacos.data_ids can't both be set")
    if any(not _NAME.fullmatch(data_id) for data_id in data_ids):
        problems.append("nacos.data_id: only letters, digits and ._:- are allowed")
    if not _NAME.fullmatch(written.group):
        problems.append("nacos.group: only letters, digits and ._:- are allowed")
    if not _NAMESPACE.fullmatch(written.namespace):
        problems.append("nacos.namespace: give the namespace's id, of letters, digits and ._:-")
    if bool(written.username) != bool(written.password.get_secret_value()):
        problems.append("set both nacos.username and nacos.password (NACOS_USERNAME, NACOS_PASSWORD), or none of them")
    if problems:
        raise StartupError("; ".join(problems))


def _reason(problem: Any) -> str:
    key = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        near = difflib.get_close_matches(key, NacosSection.model_fields, n=1, cutoff=0.75)
        hint = f"; did you mean `{near[0]}`?" if near else ": the section holds only the connection"
        return f"nacos.{key} is not known{hint}"
    return f"nacos.{key}: {problem['msg']}"
