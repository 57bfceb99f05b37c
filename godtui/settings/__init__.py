"""Every setting, one precedence: flag, environment, `infra-dispatch.env`, `godtui.toml`, default."""

from godtui.settings.addresses import is_loopback, shown_url, web_url
from godtui.settings.brokers import BusIdentity
from godtui.settings.checks import CheckSetting, component_key
from godtui.settings.dispatching import DispatchingSettings
from godtui.settings.errors import SettingsError
from godtui.settings.model import FLAGS, VARIABLES, Settings, packaged
from godtui.settings.retention import Retention
from godtui.settings.values import MessageTtl

__all__ = [
    "FLAGS",
    "VARIABLES",
    "BusIdentity",
    "CheckSetting",
    "DispatchingSettings",
    "MessageTtl",
    "Retention",
    "Settings",
    "SettingsError",
    "component_key",
    "is_loopback",
    "packaged",
    "shown_url",
    "web_url",
]
