"""`python -m tests.holyfields.peers`: the probe board with other generators, each fetched into a temporary folder.

Prints for each probe and generator `right`, `refused` (said so while generating), `silent` (took what the schema
refuses) or `strict` (refused what the schema allows).
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from tests.holyfields.probes import PROBES, Probe

PYTHON_PEER: Final = "datamodel-code-generator==0.89.0"
NODE_PEERS: Final = ("zod@4.6.7", "json-schema-to-zod@2.8.1")
NAMES: Final = ("datamodel-code-generator", "json-schema-to-zod", "z.fromJSONSchema")

_PYTHON: Final = """
import importlib.util, json, sys
asked = json.load(sys.stdin)
told = []
for path, values in asked:
    try:
        spec = importlib.util.spec_from_file_location("made", path)
        made = importlib.util.module_from_spec(spec)
        sys.modules["made"] = made
        spec.loader.exec_module(made)
        model = made.Payload
        model.model_rebuild()
    except Exception:
        told.append(None)
        continue
    verdicts = []
    for value in values:
        try:
            model.model_validate({"value": value})
        except Exception:
            verdicts.append(False)
        else:
            verdicts.append(True)
    told.append(verdicts)
print(json.dumps(told))
"""

_NODE: Final = """
import { z } from 'zod';
import { jsonSchemaToZod } from 'json-schema-to-zod';
import { readFileSync } from 'node:fs';
const makers = [
  (schema) => new Function('z', 'return ' + jsonSchemaToZod(schema, { noImport: true }))(z),
  (schema) => z.fromJSONSchema(schema),
];
const asked = JSON.parse(readFileSync(0, 'utf8'));
console.log(JSON.stringify(makers.map((make) => asked.map(([schema, values]) => {
  try {
    const made = make(schema);
    return values.map((value) => made.safeParse({ value }).success);
  } catch { return null; }
}))));
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        columns = [_python(Path(folder)), *_node(Path(folder))]
    sys.stdout.write(f"| keyword | {' | '.join(NAMES)} |\n")
    sys.stdout.write(f"| --- | {' | '.join('---' for _ in NAMES)} |\n")
    rows = [[_outcome(probe, told) for probe, told in zip(PROBES, column, strict=True)] for column in columns]
    for index, probe in enumerate(PROBES):
        sys.stdout.write(f"| {probe.name} | {' | '.join(row[index] for row in rows)} |\n")
    for name, row in zip(NAMES, rows, strict=True):
        counted = ", ".join(f"{row.count(one)} {one}" for one in ("right", "refused", "silent", "strict"))
        sys.stderr.write(f"{name}: {counted}\n")


def _outcome(probe: Probe, told: list[bool] | None) -> str:
    """What a generator made of a probe."""
    if told is None:
        return "refused"
    if any(told[len(probe.allowed) :]):
        return "silent"
    return "right" if all(told[: len(probe.allowed)]) else "strict"


def _python(folder: Path) -> list[list[bool] | None]:
    environment = folder / "environment"
    _run(sys.executable, "-m", "venv", str(environment))
    _run(str(environment / "bin/python"), "-m", "pip", "install", "--quiet", PYTHON_PEER)
    asked = []
    for index, probe in enumerate(PROBES):
        schema, made = folder / f"{index}.json", folder / f"made_{index}.py"
        schema.write_text(json.dumps(probe.document()))
        command = [str(environment / "bin/datamodel-codegen"), "--input", str(schema), "--output", str(made)]
        command += ["--input-file-type", "jsonschema", "--output-model-type", "pydantic_v2.BaseModel"]
        subprocess.run([*command, "--class-name", "Payload"], capture_output=True, check=False, timeout=60)
        asked.append([str(made), [*probe.allowed, *probe.refused]])
    told: list[list[bool] | None] = json.loads(_run(str(environment / "bin/python"), "-c", _PYTHON, told=asked))
    return told


def _node(folder: Path) -> list[list[list[bool] | None]]:
    (folder / "package.json").write_text('{"type": "module"}')
    _run("npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), *NODE_PEERS)
    script = folder / "peers.mjs"
    script.write_text(_NODE)
    asked = [[probe.document(), [*probe.allowed, *probe.refused]] for probe in PROBES]
    told: list[list[list[bool] | None]] = json.loads(_run("node", str(script), told=asked))
    return told


def _run(*command: str, told: object = None) -> str:
    ended = subprocess.run(command, input=json.dumps(told), capture_output=True, text=True, check=True, timeout=300)
    return ended.stdout


if __name__ == "__main__":
    main()
