"""Which command checks a component: `INFRA_COMPONENT_CHECKS_JSON` over `registry.yaml` over the built-in ones."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal, NamedTuple, Self

from godtui.estate import Estate
from godtui.settings import CheckSetting, Settings, component_key

BUILT_IN: Final[Mapping[str, str]] = {
    "bloodbank": "pytest tests/test_infra_dispatcher.py",
    "candystore": "pytest",
    "candybar": "bun run lint && bun run build",
    "holyfields": "mise run test:all",
    "pjangler": "bun run build",
}
"""The infrastructure domain's own components and their commands."""


class Planned(NamedTuple):
    """A check that can be run. `component` is the key under which it is configured."""

    component: str
    command: str
    cwd: Path


class Unplanned(NamedTuple):
    """Why nothing can be run, in a sentence."""

    outcome: Literal["not_configured", "no_component"]
    why: str


class CheckPlan:
    """Checks by component, and the folder in which those without a folder of their own have theirs.

    Nothing of a ticket comes into a command or a path: what a label says only selects a key.
    """

    def __init__(self, checks: Mapping[str, CheckSetting], root: Path | None) -> None:
        self._checks = {component_key(name): check for name, check in checks.items()}
        self._root = root

    @classmethod
    def of(cls, settings: Settings, estate: Estate) -> Self:
        """Every check there is; a component configured in several places has the whole check of the strongest."""
        built_in = {name: CheckSetting(command=command) for name, command in BUILT_IN.items()}
        checks = {**built_in, **estate.checks, **settings.infra_component_checks_json}
        return cls(checks, settings.infra_components_root)

    def lookup(self, component: str | None) -> Planned | Unplanned:
        """The check of a component, in whatever case it is written."""
        if component is None:
            return Unplanned("no_component", "the ticket names no component")
        key = component_key(component)
        check = self._checks.get(key)
        if check is None:
            return Unplanned(
                "not_configured",
                "no check is configured for this component; INFRA_COMPONENT_CHECKS_JSON or registry.yaml can name one",
            )
        if check.cwd is not None:
            return Planned(key, check.command, check.cwd)
        if self._root is None:
            return Unplanned(
                "not_configured",
                f"the check of {key} has no folder; set INFRA_COMPONENTS_ROOT, or the cwd of the check",
            )
        if key in (".", "..") or "/" in key:
            return Unplanned("not_configured", f"{key} is no folder's name; set the cwd of the check")
        return Planned(key, check.command, self._root / key)
