"""Where settings are written, for tests."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from godtui.settings import (
    Settings,
    SettingsError,
)


@dataclass
class Machine:
    """A working directory, a configuration directory and a home of a test's own."""

    root: Path
    environ: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for folder in (self.cwd, self.config_dir, self.env_file.parent):
            folder.mkdir(parents=True)

    @property
    def cwd(self) -> Path:
        return self.root / "work"

    @property
    def config_dir(self) -> Path:
        return self.root / "config"

    @property
    def home(self) -> Path:
        return self.root / "home"

    @property
    def env_file(self) -> Path:
        return self.home / ".config" / "openclaw" / "infra-dispatch.env"

    @property
    def toml(self) -> Path:
        return self.cwd / "godtui.toml"

    @property
    def user_toml(self) -> Path:
        return self.config_dir / "godtui.toml"

    def load(self, **flags: object) -> Settings:
        return Settings.load(flags, self.environ, self.cwd, self.config_dir, self.home)

    def faults(self, **flags: object) -> tuple[str, ...]:
        with pytest.raises(SettingsError) as caught:
            self.load(**flags)
        assert str(caught.value).splitlines() == list(caught.value.faults)
        return caught.value.faults


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)
