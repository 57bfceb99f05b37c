"""Chains: what belongs together by its correlation, and which event caused which."""

from godtui.candystore.chains.reading import read_chain
from godtui.candystore.chains.tree import Fold, Node, Tree, plant
from godtui.candystore.chains.views import Chain, Edge, Orphan

__all__ = ["Chain", "Edge", "Fold", "Node", "Orphan", "Tree", "plant", "read_chain"]
