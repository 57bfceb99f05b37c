"""The dispatcher's settings: which tickets are ready, how their components are checked, and who gets them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from godtui.settings.addresses import web_url
from godtui.settings.checks import CheckSetting, component_checks
from godtui.settings.paths import as_path
from godtui.settings.values import listed, seconds, token, truth

STATE_FILE: Final = Path(".config", "openclaw", "infra-dispatch-state.json")
"""In the home directory."""

_LONGEST: Final = 86_400


def _hook_url(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("must be an http:// or https:// URL")
    try:
        return web_url(value)
    except ValueError as error:
        advice = "; a token goes into OPENCLAW_HOOK_TOKEN" if "@" in value else ""
        raise ValueError(f"must be {error}{advice}") from None


def _several(value: object) -> tuple[str, ...]:
    found = listed(value)
    if not found:
        raise ValueError("none")
    return found


def _prefix(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("no prefix")
    return value.strip()


def _webhook_secret(value: object) -> object:
    if isinstance(value, SecretStr):
        return value
    if not isinstance(value, str) or not value:
        raise ValueError("no text")
    value.encode()  # what came into the environment in another encoding has no UTF-8
    return value


class DispatchingSettings(BaseModel):
    """What the dispatcher was told. Each setting's variable is the field's name in capitals, without a prefix.

    A field's description is the end of the sentence "it must be ...".
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    openclaw_hook_token: Annotated[SecretStr | None, BeforeValidator(token)] = Field(
        default=None, description="visible ASCII characters without spaces"
    )
    openclaw_hook_url: Annotated[str, BeforeValidator(_hook_url)] = Field(
        default="http://host.docker.internal:18789/hooks/agent",
        repr=False,
        exclude=True,
        description="an http:// or https:// URL without user and password",
    )
    openclaw_hook_deliver: Annotated[bool, BeforeValidator(truth)] = Field(default=False, description="true or false")
    infra_ready_states: Annotated[tuple[str, ...], BeforeValidator(_several)] = Field(
        default=("unstarted",), description="at least one state or group of states, with commas between them"
    )
    infra_ready_labels: Annotated[tuple[str, ...], BeforeValidator(_several)] = Field(
        default=("ready", "automation:go"), description="at least one label, with commas between them"
    )
    infra_ready_labels_match: Literal["all", "any"] = Field(default="all", description="all or any")
    infra_component_label_prefix: Annotated[str, BeforeValidator(_prefix)] = Field(
        default="comp:", description="how labels of components begin, such as comp:"
    )
    infra_rearm_seconds: Annotated[float, BeforeValidator(seconds)] = Field(
        default=5.0, ge=0, le=_LONGEST, description="seconds from 0 to 86400"
    )
    infra_run_checks: Annotated[bool, BeforeValidator(truth)] = Field(default=True, description="true or false")
    infra_check_policy: Literal["block", "annotate"] = Field(default="block", description="block or annotate")
    infra_check_timeout_seconds: Annotated[float, BeforeValidator(seconds)] = Field(
        default=900.0, gt=0, le=_LONGEST, description="seconds above 0, at most 86400"
    )
    infra_check_reuse_seconds: Annotated[float, BeforeValidator(seconds)] = Field(
        default=60.0, ge=0, le=_LONGEST, description="seconds from 0 to 86400"
    )
    infra_check_retry_seconds: Annotated[float, BeforeValidator(seconds)] = Field(
        default=900.0, gt=0, le=_LONGEST, description="seconds above 0, at most 86400"
    )
    infra_component_checks_json: Annotated[Mapping[str, CheckSetting], BeforeValidator(component_checks)] = Field(
        default_factory=dict, description='{"component": {"command": "…", "cwd": "…"}}'
    )
    """By component, in lower case."""
    infra_components_root: Annotated[Path | None, BeforeValidator(as_path)] = Field(default=None, description="a path")
    infra_dispatch_state_path: Annotated[Path, BeforeValidator(as_path)] = Field(
        default_factory=lambda: Path.home() / STATE_FILE, description="a path"
    )
    plane_webhook_secret: Annotated[SecretStr | None, BeforeValidator(_webhook_secret)] = Field(
        default=None, description="a text in UTF-8"
    )

    @property
    def shown_hook_url(self) -> str:
        """OpenClaw's hook without its query, in which a token may stand."""
        url = urlsplit(self.openclaw_hook_url)
        return url._replace(query="***" if url.query else "", fragment="").geturl()
