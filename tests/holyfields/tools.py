"""What generated code is tried with: the official test suite of JSON Schema, and node with Zod and TypeScript."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tarfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from godtui.holyfields.dialects import decider

ENVIRONMENT: Final = Path(sys.prefix)
DRAFTS: Final = ("draft2020-12", "draft7")
URIS: Final = {
    "draft2020-12": "https://json-schema.org/draft/2020-12/schema",
    "draft7": "http://json-schema.org/draft-07/schema#",
}


class Case(NamedTuple):
    """One test of the suite: a schema, an instance and the verdict. `name` says where it is from."""

    name: str
    draft: str
    schema: Any
    data: Any
    valid: bool


def suite(draft: str) -> Iterator[Case]:
    """The required tests of a draft, in order."""
    for path, text in _files().items():
        folder, _, file = path.rpartition("/")
        if folder == draft:
            for group in json.loads(text):
                for test in group["tests"]:
                    name = f"{file}: {group['description']}: {test['description']}"
                    yield Case(name, draft, group["schema"], test["data"], test["valid"])


@cache
def groups(draft: str) -> dict[str, dict[str, list[Case]]]:
    """The suite's tests by file and group."""
    found: dict[str, dict[str, list[Case]]] = {}
    for case in suite(draft):
        file, group, _ = case.name.split(": ", 2)
        key = f"{group} {json.dumps(case.schema)}"
        found.setdefault(file, {}).setdefault(key, []).append(case)
    return found


def group_of(case: Case) -> str:
    """The description of the group that a test is in."""
    return case.name.partition(": ")[2].rpartition(": ")[0]


def expected(case: Case) -> bool:
    """What jsonschema-rs says, with formats asserted."""
    schema = case.schema if isinstance(case.schema, dict) else {"allOf": [case.schema]}
    return decider({"$schema": URIS[case.draft], **schema}).is_valid(case.data)


@cache
def _files() -> dict[str, str]:
    """The suite's files, as jsonschema's source distribution has them."""
    (archive,) = (ENVIRONMENT / "suite").glob("jsonschema-*.tar.gz")
    found = {}
    with tarfile.open(archive) as told:
        for member in told.getmembers():
            _, _, path = member.name.partition("/json/tests/")
            if path.endswith(".json") and path.count("/") == 1:
                file = told.extractfile(member)
                if file is not None:
                    found[path] = file.read().decode()
    return found


def node_modules() -> Path:
    """The folder of Zod and TypeScript; skips the test where there is no node, but fails it where CI is set."""
    folder = ENVIRONMENT / "node" / "node_modules"
    if shutil.which("node") and (folder / "zod").is_dir():
        return folder
    reason = "node or its packages are missing: install node with npm, then make test"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
