"""The verdict on a change: for every type and version, whether it is compatible, and what shows that it is not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from godtui import jsontext
from godtui.holyfields.compatibility.mode import Mode
from godtui.holyfields.compatibility.places import Bundle
from godtui.holyfields.compatibility.prover import Prover
from godtui.holyfields.compatibility.witness import Search, pointer, search
from godtui.holyfields.contract import Contract
from godtui.holyfields.registry import Registry
from godtui.jsontext import Json


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a change is compatible; None where neither a rule nor a witness says so.

    `witness` is a document that one side accepts and the other refuses at `pointer`, in the schema of the one that
    refuses. A compatible change may have a `note` that says what to know of it.
    """

    compatible: bool | None
    witness: Json | None = None
    pointer: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """The verdict on one version of one type."""

    event_type: str
    version: str
    verdict: Verdict

    def document(self) -> dict[str, Any]:
        """As a JSON object."""
        verdict = self.verdict
        return {
            "event_type": self.event_type,
            "version": self.version,
            "compatible": verdict.compatible,
            "witness": verdict.witness,
            "pointer": verdict.pointer,
            "note": verdict.note,
        }


def compare(old: Registry, new: Registry, mode: Mode, *, strict: bool = False) -> Iterator[Judged]:
    """Judge the way from one registry to another, sorted by type, its versions in their order."""
    for event_type in sorted({*old.types(), *new.types()}):
        before, after = _own_versions(old, event_type), _own_versions(new, event_type)
        versions = sorted({*before, *after}, key=lambda version: int(version[1:]))
        for version in versions if mode.transitive or mode is Mode.NONE else versions[-1:]:
            one, other = before.get(version), after.get(version)
            verdict = judge(one, other, mode, strict=strict)
            if one is not None and other is not None and verdict.compatible and mode.backward:
                verdict = _unserved(one, new) or verdict
            yield Judged(event_type, version, verdict)


def judge(old: Contract | None, new: Contract | None, mode: Mode, *, strict: bool = False) -> Verdict:
    """Judge the change of one contract; one of the two may be missing, where it was added or removed."""
    if mode is Mode.NONE:
        return Verdict(None, note=f"{_happened(old, new)}; nothing is asked of it")
    if new is None:
        return _removed(old, mode)
    if old is None:
        return Verdict(True, note="added")
    if old.digest == new.digest:
        return Verdict(True)
    verdicts = []
    if mode.backward:
        verdicts.append(_directed(old, new, strict=strict, what="the old contract accepts and the new one refuses"))
    if mode.forward:
        verdicts.append(_directed(new, old, strict=strict, what="the new contract accepts and the old one refuses"))
    return min(verdicts, key=lambda verdict: (_severity(verdict.compatible), not verdict.note))


def _unserved(old: Contract, new: Registry) -> Verdict | None:
    """The break where no contract serves a pattern of types any more; None where all are served."""
    served = {
        pattern
        for event_type in new.types()
        for contract in _own_versions(new, event_type).values()
        for pattern in contract.serves
    }
    lost = sorted({*old.serves} - served)
    witness = search(old, None, lenient=False).witness if lost else None
    if not lost:
        return None
    note = f"no contract serves {', '.join(lost)} any more"
    return Verdict(False if witness is not None else None, witness, "/x-event-types", note)


def _severity(compatible: bool | None) -> int:
    return {False: 0, None: 1, True: 2}[compatible]


def _happened(old: Contract | None, new: Contract | None) -> str:
    if old is None:
        return "added"
    if new is None:
        return "removed"
    return "unchanged" if old.digest == new.digest else "changed"


def _removed(old: Contract | None, mode: Mode) -> Verdict:
    if old is None or not mode.backward:
        return Verdict(True, note="removed")
    witness = search(old, None, lenient=False).witness
    if witness is None:
        return Verdict(None, note="removed; no document is known that it accepted")
    return Verdict(False, witness, "", "removed: nothing judges its events any more")


def _directed(accepting: Contract, refusing: Contract, *, strict: bool, what: str) -> Verdict:
    """Whether all that one contract accepts the other accepts."""
    ours, theirs = Bundle.of(accepting).place, Bundle.of(refusing).place
    if Prover().proves(ours, theirs):
        return Verdict(True)
    if not strict and Prover(lenient=True).proves(ours, theirs):
        return Verdict(True, note=_open_note(search(accepting, refusing, lenient=False)))
    found = search(accepting, refusing, lenient=not strict)
    if found.witness is None:
        return Verdict(None, note=f"no witness in {found.tries:,} tries, and no rule says that it is compatible")
    return Verdict(False, found.witness, pointer(refusing, found.witness), what)


def _open_note(found: Search) -> str:
    if found.witness is None:
        return f"a member that was open is now described; no document that had it otherwise in {found.tries:,} tries"
    document = jsontext.dumps(found.witness).decode()
    return f"a member that was open is now described; a document that had it otherwise: {document}"


def _own_versions(registry: Registry, event_type: str) -> dict[str, Contract]:
    """The contracts that a type has of its own, not those of a pattern."""
    if event_type not in registry.types():
        return {}
    return {version: registry.contract(event_type, version) for version in registry.versions(event_type)}
