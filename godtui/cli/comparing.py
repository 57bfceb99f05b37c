"""`holyfields check`: whether a change of the contracts breaks what is stored or spoken, and what shows it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from godtui import jsontext
from godtui.cli.failures import FAILED, UnreachableError, WrongUsageError
from godtui.cli.options import Given, encodable
from godtui.settings.values import counted

if TYPE_CHECKING:
    from godtui.envelope import StoredEvent
    from godtui.holyfields import Registry
    from godtui.holyfields.compatibility import Judged

MODES: Final = (
    "backward", "forward", "full", "backward-transitive", "forward-transitive", "full-transitive", "none",
)  # fmt: skip
PAGE_EVENTS: Final = 500
SHOWN: Final = 20
"""Rejected events that are told of one by one."""

WIDEST: Final = 2_000
"""Characters of a witness that are shown in a line."""

_LABELS: Final[dict[bool | None, str]] = {True: "compatible", False: "BREAKING"}


@dataclass
class Stored:
    """What the new contracts say of the stored events.

    `irregular` of those rejected had violations when they were stored, so that no change of a contract is to blame.
    """

    events: int = 0
    rejected: int = 0
    irregular: int = 0
    first: list[dict[str, Any]] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """As a JSON object."""
        return {
            "events": self.events,
            "rejected": self.rejected,
            "irregular_before": self.irregular,
            "first": self.first,
        }

    def take(self, event: StoredEvent, registry: Registry) -> None:
        """Judge one event."""
        from godtui.holyfields import UnknownContractError

        envelope = event.envelope()
        self.events += 1
        try:
            faults = registry.faults(envelope.event_type, envelope.version, envelope.payload)
        except UnknownContractError as error:
            faults = [error.fault]
        if not faults:
            return
        self.rejected += 1
        irregular = bool(event.faults())
        self.irregular += irregular
        if len(self.first) < SHOWN:
            self.first.append(
                {
                    "event_id": str(envelope.event_id),
                    "event_type": envelope.event_type,
                    "version": envelope.version,
                    "irregular_before": irregular,
                    "errors": [{"path": fault.path, "message": fault.message} for fault in faults],
                }
            )


@click.command("check")
@click.option("--against", metavar="DIR|REV", callback=encodable, help="The contracts before: a folder, or of git.")
@click.option("--mode", type=click.Choice(MODES), default="backward-transitive", show_default=True)
@click.option("--strict", is_flag=True, help="A new optional property of an open object breaks, too.")
@click.option("--stored", is_flag=True, help="Judge all stored events by the new contracts.")
@click.option("--schemas", metavar="DIR", help="The new contracts (default ./schemas, else packaged).")
@click.option("--data-dir", metavar="DIR", help="With --stored: where the event log lives.")
@click.option("--attach", metavar="URL", callback=encodable, help="With --stored: the godtui that holds the events.")
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON, as in a pipe.")
@click.pass_context
def check(
    context: click.Context, /, against: str | None, mode: str, strict: bool, stored: bool, schemas: str | None,
    data_dir: str | None, attach: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Compare the contracts with what they were, and say what would break."""
    from godtui.holyfields import Registry

    if against is None and not stored:
        raise WrongUsageError("there is nothing to compare with; give --against DIR, --against REV or --stored")
    if not stored and (data_dir or attach):
        raise WrongUsageError("--data-dir and --attach say where stored events are; give --stored with them")
    given = Given().take(attach, {"schemas": schemas, "data_dir": data_dir})
    if data_dir is not None:
        _require_log(given)
    folder = given.settings().schemas_folder()
    registry = Registry.load(folder)
    judged = [] if against is None else _judge(against, folder, registry, mode, strict)
    unknown = "not asked" if mode == "none" else "unknown"
    facts = asyncio.run(_judge_stored(given, registry)) if stored else None
    if as_json or not sys.stdout.isatty():
        answer: dict[str, Any] = {"types": [one.document() for one in judged]}
        click.echo(jsontext.dumps(answer | ({} if facts is None else {"stored": facts.document()})))
    else:
        for line in (*lines(judged, unknown), *(stored_lines(facts) if facts else ())):
            click.echo(line)
    broken = any(one.verdict.compatible is False for one in judged)
    if broken or (facts is not None and facts.rejected > facts.irregular):
        context.exit(FAILED)


def lines(judged: list[Judged], unknown: str = "unknown") -> Iterator[str]:
    """One line a verdict, with the witness below it; `unknown` is said of what has none."""
    from godtui.candybar.plaintext import plain

    width = max((len(one.event_type) + len(one.version) + 1 for one in judged), default=0)
    for one in judged:
        verdict = one.verdict
        said = "  ".join(part for part in (verdict.pointer, verdict.note) if part)
        name = f"{one.event_type} {one.version}".ljust(width)
        yield plain(f"{_LABELS.get(verdict.compatible, unknown):<10}  {name}  {said}".rstrip())
        if verdict.compatible is False:
            yield plain(f"            {_cut(jsontext.dumps(verdict.witness).decode())}")


def _cut(written: str) -> str:
    if len(written) <= WIDEST:
        return written
    return f"{written[:WIDEST]}… ({len(written):,} characters; --json has them all)"


def stored_lines(facts: Stored) -> Iterator[str]:
    """How many stored events would be rejected, and the first of them with the reasons."""
    from godtui.candybar.plaintext import plain

    yield f"of {counted(facts.events, 'stored event')} {facts.rejected:,} would be rejected"
    if facts.irregular:
        yield f"  {facts.irregular:,} of these had violations when they were stored"
    for one in facts.first:
        reasons = "; ".join(f"{fault['path']}: {fault['message']}" for fault in one["errors"])
        yield plain(f"  {one['event_id']}  {one['event_type']} {one['version']}  {reasons}")
    if facts.rejected > len(facts.first):
        yield f"  and {facts.rejected - len(facts.first):,} more"


def _judge(against: str, folder: Path, registry: Registry, mode: str, strict: bool) -> list[Judged]:
    from godtui.holyfields import Registry, SchemaFolderError
    from godtui.holyfields.compatibility import Mode, compare

    with _folder_before(against, folder) as before:
        try:
            earlier = Registry.load(before)
        except SchemaFolderError as error:
            # A copy out of git lies where nobody has heard of.
            named = before if before == Path(against) else Path(f"{folder} as it was in {against}")
            raise SchemaFolderError(named, error.faults) from None
        return list(compare(earlier, registry, Mode(mode), strict=strict))


@contextmanager
def _folder_before(against: str, folder: Path) -> Iterator[Path]:
    """The folder that `--against` names, or the folder of the contracts in the revision it names."""
    from godtui.holyfields.compatibility import RevisionError, earlier_folder

    if against and Path(against).is_dir():
        yield Path(against)
        return
    try:
        with earlier_folder(folder, against) as before:
            yield before
    except RevisionError as error:
        raise WrongUsageError(str(error)) from None


def _require_log(given: Given) -> None:
    """A directory that was named has events to judge: a slip in its name would else make an empty log, and pass."""
    from godtui.eventlog import EventLog

    directory = given.settings().data_dir
    if given.url is None and not EventLog.lies_in(directory):
        raise UnreachableError(
            f"{directory} holds no event log; name the --data-dir of a godtui, or one with --attach URL"
        )


async def _judge_stored(given: Given, registry: Registry) -> Stored:
    """Judge what is stored now, page by page; what arrives meanwhile is left out."""
    from godtui.cli.reaching import reach
    from godtui.clock import SystemClock
    from godtui.filters import parse

    facts = Stored()
    everything = parse("", now=SystemClock().now())
    async with reach(given) as operations:
        last = (await operations.monitor.health()).components["store"].figures.get("last_seq") or 0
        cursor: str | None = None
        while True:
            page = await operations.store.query(everything, limit=PAGE_EVENTS, cursor=cursor, order="asc")
            for event in page.events:
                if event.seq <= last:
                    facts.take(event, registry)
            cursor = page.next_cursor
            if cursor is None or (page.events and page.events[-1].seq >= last):
                return facts
