"""Every setting with its default, what it may be, and where its value came from."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Literal, Self

import platformdirs
from pydantic import BeforeValidator, Field, InstanceOf, PrivateAttr, SecretStr, ValidationError

from godtui.settings.addresses import EMBEDDED, is_host, is_loopback, node_urls, shown_url
from godtui.settings.brokers import NO_BUS, BusIdentity, passwords
from godtui.settings.dispatching import STATE_FILE, DispatchingSettings
from godtui.settings.errors import SettingsError
from godtui.settings.layers import (
    ENV_FILE,
    PREFIX,
    TOML_FILE,
    Layer,
    Written,
    env_file_layer,
    environment_layer,
    flag_layer,
    toml_layer,
    unknown_variables,
)
from godtui.settings.paths import as_path, existing_file, existing_folder
from godtui.settings.retention import Retention
from godtui.settings.values import (
    NO_WORKERS,
    PERSISTER,
    WORKERS,
    MessageTtl,
    listed,
    plain,
    printable,
    seconds,
    shown_text,
    token,
    whole_number,
    worker_names,
)

APPLICATION = "godtui"


def _bus_url(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(NO_BUS)
    BusIdentity.of(value)
    return value


def _host(value: object) -> str:
    if not isinstance(value, str) or not is_host(value):
        raise ValueError("no host")
    return value


def _hosts(value: object) -> tuple[str, ...]:
    hosts = listed(value)
    if not all(is_host(host.removeprefix("[").removesuffix("]")) for host in hosts):
        raise ValueError("no hosts")
    return hosts


class Settings(DispatchingSettings):
    """What the program was told, from the first place that says it.

    A field's description is the end of the sentence "it must be ...".
    """

    bus_url: Annotated[str, BeforeValidator(_bus_url)] = Field(
        default=EMBEDDED, repr=False, exclude=True, description="embedded: or the URLs of a broker's nodes"
    )
    workers: Annotated[tuple[str, ...], BeforeValidator(worker_names)] = Field(
        default=WORKERS, description=f"{', '.join(WORKERS)}, both with a comma between them, or {NO_WORKERS}"
    )
    queue_type: Literal["quorum", "classic"] = Field(default="quorum", description="quorum or classic")
    data_dir: Annotated[Path, BeforeValidator(as_path)] = Field(
        default_factory=lambda: platformdirs.user_data_path(APPLICATION, appauthor=False), description="a path"
    )
    schemas: Annotated[Path | None, BeforeValidator(existing_folder)] = Field(
        default=None, description="a folder that exists"
    )
    registry: Annotated[Path | None, BeforeValidator(existing_file)] = Field(
        default=None, description="a file that exists"
    )
    host: Annotated[str, BeforeValidator(_host)] = Field(
        default="127.0.0.1", description="a host name or address without scheme and port"
    )
    port: Annotated[int, BeforeValidator(whole_number)] = Field(
        default=8000, ge=0, le=65_535, description="a whole number from 0 to 65535"
    )
    api_token: Annotated[SecretStr | None, BeforeValidator(token)] = Field(
        default=None, description="visible ASCII characters without spaces"
    )
    allowed_hosts: Annotated[tuple[str, ...], BeforeValidator(_hosts)] = Field(
        default=(), description="host names or addresses without port, with commas between them"
    )
    message_ttl: Annotated[InstanceOf[MessageTtl], BeforeValidator(MessageTtl.read)] = Field(
        default_factory=MessageTtl,
        description="seconds from 0 to 4294967, for all queues or by name: 86400,candystore.events=0",
    )
    publish_timeout: Annotated[float, BeforeValidator(seconds)] = Field(
        default=5.0, gt=0, le=3600, description="seconds above 0, at most 3600"
    )
    max_event_bytes: Annotated[int, BeforeValidator(whole_number)] = Field(
        default=1_048_576, ge=1, le=134_217_728, description="a whole number from 1 to 134217728"
    )
    unknown_types: Literal["reject", "allow"] = Field(default="reject", description="reject or allow")
    retention: Annotated[InstanceOf[Retention], BeforeValidator(Retention.read)] = Field(
        default_factory=Retention,
        description="an age such as 30d (h, d, w), a size such as 50GB (MB, GB, TB), both with a comma, or all",
    )
    health_interval: Annotated[float, BeforeValidator(seconds)] = Field(
        default=30.0, gt=0, le=86_400, description="seconds above 0, at most 86400"
    )

    _origins: Mapping[str, str] = PrivateAttr(default_factory=dict)
    _warnings: tuple[str, ...] = PrivateAttr(default=())
    _cwd: Path = PrivateAttr(default_factory=Path.cwd)

    @classmethod
    def load(
        cls, flags: Mapping[str, object], environ: Mapping[str, str], cwd: Path, config_dir: Path, home: Path
    ) -> Self:
        """Settings from all places; the first of flag, environment, `infra-dispatch.env`, `godtui.toml` counts.

        `flags` has settings by name, None being not given. `cwd` and then `config_dir` may hold a `godtui.toml`, whose
        paths start at its own folder; `home` may hold `.config/openclaw/infra-dispatch.env`.
        Raises SettingsError with one sentence for each fault.
        """
        layers, warnings = _layers(flags, environ, (cwd, config_dir), home)
        written = {name: found for layer in reversed(layers) for name, found in layer.items()}
        settings = cls._validated(written, home)
        settings._origins = {name: found.origin for name, found in written.items()}
        settings._warnings = tuple(warnings)
        settings._cwd = cwd
        _require_token(settings, written)
        _require_persister(settings, written)
        return settings

    @classmethod
    def _validated(cls, written: Layer, home: Path) -> Self:
        context = {"~": home, **{name: found.folder for name, found in written.items()}}
        values: dict[str, object] = {"infra_dispatch_state_path": home / STATE_FILE}
        values |= {name: found.value for name, found in written.items()}
        try:
            return cls.model_validate(values, context=context)
        except ValidationError as error:
            details = error.errors(include_url=False, include_input=False)
            faults = dict.fromkeys(_sentence(str(one["loc"][0]), written, one["msg"]) for one in details)
            raise SettingsError(list(faults)) from None

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences about what was written and has no effect."""
        return self._warnings

    @property
    def shown_bus_url(self) -> str:
        """The bus without its password."""
        return shown_url(self.bus_url)

    @property
    def bus_urls(self) -> tuple[str, ...]:
        """The URL of each of the broker's nodes, passwords included; none of the embedded bus."""
        return () if self.bus_url == EMBEDDED else node_urls(self.bus_url)

    @property
    def bus(self) -> BusIdentity:
        """Which bus it is, whoever logs in and by whichever of its nodes."""
        return BusIdentity.of(self.bus_url)

    def origin(self, name: str) -> str:
        """Where a setting's value came from, such as `--port`, `GODTUI_PORT`, `godtui.toml:/path` or `default`."""
        return self._origins.get(name, "default")

    def secrets(self) -> tuple[str, ...]:
        """Every secret there is, the longest first, to be taken out of what others wrote."""
        found = [getattr(self, name) for name in sorted(SECRETS)]
        known = [secret.get_secret_value() for secret in found if secret is not None]
        known += [password for url in self.bus_urls for password in passwords(url)]
        return tuple(sorted(set(known), key=lambda secret: (-len(secret), secret)))

    def shown(self, names: Iterable[str]) -> list[tuple[str, str, str]]:
        """Settings as operators see them: variable, value and origin; a secret is only `set` or `not set`."""
        return [(VARIABLES[name], printable(self._shown(name)), self.origin(name)) for name in names]

    def _shown(self, name: str) -> str:
        value = getattr(self, name)
        match name, value:
            case _, None:
                return "not set"
            case _, SecretStr():
                return "set"
            case "bus_url", _:
                return self.shown_bus_url
            case "openclaw_hook_url", _:
                return self.shown_hook_url
            case _, bool():
                return str(value).lower()
            case _, float():
                return f"{value:.9f}".rstrip("0").rstrip(".")
            case _, tuple():
                return ",".join(value) or "none"
            case _, Mapping():
                return json.dumps(self.model_dump(mode="json", include={name})[name], ensure_ascii=False)
        return str(value)

    def shared(self) -> dict[str, str]:
        """What another process of the same data directory may know of the settings: those that have flags."""
        shown = {name: str(getattr(self, name)) for name in ("data_dir", "host", "port")}
        folders = {"schemas": str(self.schemas_folder()), "registry": str(self.registry_file())}
        return {**shown, **folders, "bus_url": self.shown_bus_url, "workers": ",".join(self.workers) or NO_WORKERS}

    def shares(self, name: str, theirs: object) -> bool:
        """Whether a setting is what another process of the data directory said of its own by `shared`."""
        if name == "bus_url" and isinstance(theirs, str):
            with suppress(ValueError):
                return self.bus.is_same(BusIdentity.of(theirs))
        return self.shared()[name] == theirs

    def schemas_folder(self) -> Path:
        """The folder of contracts: as set, else `schemas` of the working directory if there, else the packaged one."""
        return self.schemas or _nearest_existing(self._cwd, "schemas")

    def registry_file(self) -> Path:
        """The estate's file: as set, else `registry.yaml` of the working directory if there, else the packaged one."""
        return self.registry or _nearest_existing(self._cwd, "registry.yaml")


FLAGS = {name: f"--{name.replace('_', '-')}" for name in ("data_dir", "schemas", "registry", "host", "port")}
FLAGS |= {"bus_url": "--bus", "workers": "--workers"}
VARIABLES = {
    name: name.upper() if name in DispatchingSettings.model_fields else f"{PREFIX}{name.upper()}"
    for name in Settings.model_fields
}
SECRETS = frozenset({"api_token", "openclaw_hook_token", "plane_webhook_secret"})
_UNREPEATED = SECRETS | {"openclaw_hook_url"}
"""What a sentence about a value does not repeat; in a URL a password may stand anywhere."""
_TOLD = frozenset({"bus_url", "openclaw_hook_url", "infra_component_checks_json"})
"""Settings whose readers say themselves what is wrong."""


def _layers(
    flags: Mapping[str, object], environ: Mapping[str, str], folders: tuple[Path, ...], home: Path
) -> tuple[list[Layer], list[str]]:
    """The layers, the strongest first, and what to warn of."""
    known = frozenset(VARIABLES.values())
    env_file, env_file_names = env_file_layer(home / ENV_FILE, VARIABLES, folders[0])
    layers: list[Layer] = [
        flag_layer(flags, FLAGS, folders[0]),
        environment_layer(environ, VARIABLES, folders[0]),
        env_file,
    ]
    names = sorted({*environ, *env_file_names})
    warnings = list(unknown_variables(names, known))
    layers += [toml_layer(folder / TOML_FILE, VARIABLES) for folder in dict.fromkeys(folders)]
    return layers, warnings


def _sentence(name: str, written: Layer, message: str) -> str:
    """What is wrong with one value; that of a secret is not repeated."""
    found = written[name]
    hidden = name in _UNREPEATED
    beginning = found.name if hidden else f"{found.name} is {_shown(name, found)};"
    if name in _TOLD:
        return f"{beginning} {message.removeprefix('Value error, ')}"
    allowed = Settings.model_fields[name].description
    return f"{beginning} must be {allowed}" if hidden else f"{beginning} it must be {allowed}"


def _shown(name: str, found: Written) -> str:
    """A value as a sentence may carry it, without passwords."""
    text = found.value if isinstance(found.value, str) else json.dumps(found.value, default=str, ensure_ascii=False)
    text = shown_url(text) if name == "bus_url" else text
    return shown_text(text) if isinstance(found.value, str | Path) else plain(text)


def _require_token(settings: Settings, written: Layer) -> None:
    if settings.api_token is None and not is_loopback(settings.host):
        named = written["host"].name
        raise SettingsError(
            [f'{named} is "{settings.host}", which others can reach; set GODTUI_API_TOKEN, or use 127.0.0.1']
        )


def _require_persister(settings: Settings, written: Layer) -> None:
    if settings.bus_url == EMBEDDED and PERSISTER not in settings.workers:
        beginning = f'{written["workers"].name} is "{",".join(settings.workers) or NO_WORKERS}"'
        advice = f"leave {PERSISTER} in, or name a broker with --bus"
        raise SettingsError([f"{beginning}, but the embedded bus is the store itself; {advice}"])


def _nearest_existing(cwd: Path, name: str) -> Path:
    own = cwd / name
    return own if own.exists() else packaged(name)


def packaged(name: str) -> Path:
    """A file or folder that comes with the program: in an installed one beside its code, else in the checkout."""
    package = Path(__file__).parents[1]
    shipped = package / "shipped" / name
    return shipped if shipped.exists() else package.parent / name
