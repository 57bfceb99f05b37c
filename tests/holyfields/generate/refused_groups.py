"""Groups of the official suite that no folder of schemas can hold: they lead out of it, or refer dynamically."""

from __future__ import annotations

from typing import Final

REFUSED: Final[dict[str, frozenset[str]]] = {
    "draft2020-12/anchor.json": frozenset(("Location-independent identifier with base URI change in subschema",)),
    "draft2020-12/defs.json": frozenset(("validate definition against metaschema",)),
    "draft2020-12/dynamicRef.json": frozenset(
        (
            (
                "A $dynamicRef resolves to the first $dynamicAnchor still in scope that is encountered when the "
                "schema is evaluated"
            ),
            (
                "A $dynamicRef with intermediate scopes that don't include a matching $dynamicAnchor does not "
                "affect dynamic scope resolution"
            ),
            (
                "A $dynamicRef that initially resolves to a schema with a matching $dynamicAnchor resolves to "
                "the first $dynamicAnchor in the dynamic scope"
            ),
            "multiple dynamic paths to the $dynamicRef keyword",
            "after leaving a dynamic scope, it is not used by a $dynamicRef",
            "strict-tree schema, guards against misspelled properties",
            "tests for implementation dynamic anchor and reference link",
            "$ref and $dynamicAnchor are independent of order - $defs first",
            "$ref and $dynamicAnchor are independent of order - $ref first",
            "$ref to $dynamicRef finds detached $dynamicAnchor",
            "$dynamicRef skips over intermediate resources - direct reference",
        )
    ),
    "draft2020-12/ref.json": frozenset(
        (
            "remote ref, containing refs itself",
            "Recursive references between schemas",
            "relative refs with absolute uris and defs",
            "ref with absolute-path-reference",
        )
    ),
    "draft2020-12/refRemote.json": frozenset(
        (
            "remote ref",
            "fragment within remote ref",
            "anchor within remote ref",
            "ref within remote ref",
            "base URI change",
            "base URI change - change folder",
            "base URI change - change folder in subschema",
            "root ref in remote ref",
            "remote ref with ref to defs",
            "Location-independent identifier in remote ref",
            "retrieved nested refs resolve relative to their URI not $id",
            "remote HTTP ref with different $id",
            "remote HTTP ref with different URN $id",
            "remote HTTP ref with nested absolute ref",
            "$ref to $ref finds detached $anchor",
        )
    ),
    "draft2020-12/unevaluatedItems.json": frozenset(("unevaluatedItems with $dynamicRef",)),
    "draft2020-12/unevaluatedProperties.json": frozenset(("unevaluatedProperties with $dynamicRef",)),
    "draft2020-12/vocabulary.json": frozenset(
        (
            "schema that uses custom metaschema with with no validation vocabulary",
            "ignore unrecognized optional vocabulary",
        )
    ),
    "draft7/definitions.json": frozenset(("validate definition against metaschema",)),
    "draft7/ref.json": frozenset(
        (
            "remote ref, containing refs itself",
            "Recursive references between schemas",
            "Location-independent identifier with base URI change in subschema",
            "relative refs with absolute uris and defs",
            "ref with absolute-path-reference",
        )
    ),
    "draft7/refRemote.json": frozenset(
        (
            "remote ref",
            "fragment within remote ref",
            "ref within remote ref",
            "base URI change",
            "base URI change - change folder",
            "base URI change - change folder in subschema",
            "root ref in remote ref",
            "remote ref with ref to definitions",
            "Location-independent identifier in remote ref",
            "retrieved nested refs resolve relative to their URI not $id",
            "$ref to $ref finds location-independent $id",
        )
    ),
}
