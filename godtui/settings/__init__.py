"""Every setting, one precedence: flag, environment, `infra-dispatch.env`, `godtui.toml`, default."""

from godtui.settings.addresses import is_loopback, shown_url
from godtui.settings.brokers import BusIdentity
from godtui.settings.errors import SettingsError
from godtui.settings.model import FLAGS, VARIABLES, Settings, packaged
from godtui.settings.values import MessageTtl

__all__ = [
    "FLAGS",
    "VARIABLES",
    "BusIdentity",
    "MessageTtl",
    "Settings",
    "SettingsError",
    "is_loopback",
    "packaged",
    "shown_url",
]
