"""The bus over a RabbitMQ broker."""

from godtui.bloodbank.deaths import DEAD_LETTERS
from godtui.bloodbank.queues import MEMORY
from godtui.bloodbank.rabbitmq import lenient
from godtui.bloodbank.rabbitmq.bus import RabbitBus
from godtui.bloodbank.rabbitmq.explain import DeclarationError
from godtui.bloodbank.rabbitmq.state import LinkState
from godtui.bloodbank.rabbitmq.topology import Topology

__all__ = ["DEAD_LETTERS", "MEMORY", "DeclarationError", "LinkState", "RabbitBus", "Topology"]

lenient.install()
