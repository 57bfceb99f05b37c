"""Holyfields: the contracts. A `Registry` is a schema folder loaded as a whole; `Contracts` holds the one in force.

A `Contract` judges payloads: jsonschema-rs decides, jsonschema explains. What is wrong with a folder comes as one
`SchemaFolderError` with every `SchemaFault`; asking for what is not registered is an `UnknownContractError`.
"""

from godtui.holyfields.contract import Contract
from godtui.holyfields.faults import (
    SchemaFault,
    SchemaFolderError,
    UnknownContractError,
    UnknownTypeError,
    UnknownVersionError,
)
from godtui.holyfields.registry import Contracts, Registry

__all__ = [
    "Contract",
    "Contracts",
    "Registry",
    "SchemaFault",
    "SchemaFolderError",
    "UnknownContractError",
    "UnknownTypeError",
    "UnknownVersionError",
]
