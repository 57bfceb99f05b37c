"""The command line: what can be asked of godtui, and how it answers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import click

from godtui import __version__
from godtui.cli.ending import Piped, run
from godtui.cli.failures import WrongUsageError
from godtui.cli.filter_words import FilterCommand, joined
from godtui.cli.options import Given, encodable, settings_options
from godtui.cli.registry_checking import registry
from godtui.cli.replay_commands import replay, replays
from godtui.cli.safekeeping import backup, restore, salvage
from godtui.settings import FLAGS

if TYPE_CHECKING:
    from godtui.operations import Bucket, By, TicketState


@click.group(cls=Piped, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "--version", prog_name="godtui", message="%(prog)s %(version)s")
@click.option("--headless", is_flag=True, help="Run without the console; logs go to stderr.")
@settings_options
@click.pass_context
def godtui(context: click.Context, /, headless: bool, attach: str | None, **flags: Any) -> None:
    """The console of 33GOD's infrastructure domain, with bus, store and API in the same process."""
    context.obj = given = Given().take(attach, flags)
    if context.invoked_subcommand is not None:
        if headless:
            raise WrongUsageError("--headless goes without a command")
        return
    from godtui.cli.running import run_headless, run_with_console

    if headless and given.attach:
        raise WrongUsageError("--headless runs an engine and --attach uses another's; give one of them")
    context.exit(run_headless(given) if headless else run_with_console(given))


@godtui.command()
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(path_type=Path, file_okay=False))
def init(folder: Path) -> None:
    """Make a starter schemas/, registry.yaml and godtui.toml; nothing that exists is overwritten."""
    from godtui.cli.starter import write_starter

    write_starter(folder)


@godtui.command()
@click.argument("event_type", metavar="[TYPE]", required=False, callback=encodable)
@click.argument("dash", metavar="[-]", required=False)
@click.option("--payload", metavar="JSON", help="The payload as a JSON object.")
@click.option("--payload-file", metavar="FILE", type=click.Path(path_type=Path), help="A file that holds it.")
@click.option("--correlation-id", metavar="UUID", callback=encodable, help="The chain that the event belongs to.")
@click.option("--source", metavar="NAME", callback=encodable, help="Who publishes (default cli).")
@click.option("--envelopes", is_flag=True, help="With -: each line is a whole envelope.")
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON, as in a pipe.")
@settings_options
@click.pass_obj
def publish(given: Given, /, event_type: str | None, dash: str | None, attach: str | None, **options: Any) -> None:
    """Validate and publish one event, or with - one for each line of standard input."""
    from godtui.cli.publishing import Publication, run_publish

    flags = {name: options.pop(name) for name in FLAGS}
    if event_type == "-":
        event_type, dash = None, "-"
    if dash not in (None, "-"):
        raise WrongUsageError(f'"{dash}" is not understood; payloads come by --payload, --payload-file or -')
    run_publish(given.take(attach, flags), Publication(event_type=event_type, stream=dash == "-", **options))


@godtui.command(cls=FilterCommand)
@click.argument("filter_words", metavar="[FILTER]...", nargs=-1, callback=encodable)
@click.option("--limit", type=click.IntRange(1), help="How many, the newest (default 100).")
@click.option("--follow", "-f", is_flag=True, help="Go on with what arrives.")
@click.option("--all", "everything", is_flag=True, help="Everything that is stored now, the oldest first.")
@click.option("--after", metavar="SEQ", type=click.IntRange(0, 2**63 - 1), help="With --all: only beyond a position.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), help="Default: table on a terminal.")
@settings_options
@click.pass_obj
def events(
    given: Given, /, filter_words: tuple[str, ...], limit: int | None, follow: bool, everything: bool,
    after: int | None, form: str | None, attach: str | None, **flags: Any,
) -> None:  # fmt: skip
    """Show stored events that match a filter, such as: type:agent.# since:15m error"""
    text = joined(filter_words)
    if not everything:
        if after is not None:
            raise WrongUsageError("--after goes with --all")
        from godtui.cli.asking import run_events

        run_events(given.take(attach, flags), text, limit or 100, follow, form)
        return
    if follow or limit is not None:
        raise WrongUsageError("--all ends with what is stored now; leave --follow and --limit out")
    from godtui.cli.exporting import run_export

    run_export(given.take(attach, flags), text, after, form)


@godtui.command("import")
@click.argument("file", metavar="FILE|-")
@click.option("--after-line", metavar="N", type=click.IntRange(0), default=0, help="Begin behind a line.")
@click.option("--errors", metavar="FILE", type=click.Path(path_type=Path), help="Where to list refused lines.")
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON, as in a pipe.")
@settings_options
@click.pass_obj
def import_events(given: Given, /, file: str, attach: str | None, **options: Any) -> None:
    """Bring in what `godtui events --all --format json` printed, as history that is handed to no queue."""
    from godtui.cli.importing import Import, run_import

    flags = {name: options.pop(name) for name in FLAGS}
    run_import(given.take(attach, flags), Import(file, **options))


@godtui.command()
@click.argument("correlation_id", metavar="CORRELATION_ID", type=click.UUID)
@click.option("--all", "whole", is_flag=True, help="Fold nothing but gaps in time.")
@click.option("--after", type=click.IntRange(0, 2**63 - 1), default=0, metavar="SEQ", help="The rest of a long one.")
@click.option("--format", "form", type=click.Choice(["tree", "json"]), help="Default: tree on a terminal.")
@settings_options
@click.pass_obj
def trace(
    given: Given, /, correlation_id: UUID, whole: bool, after: int, form: str | None, attach: str | None, **flags: Any
) -> None:
    """Show the events of one correlation as a tree of causes and effects. Needs a godtui that runs."""
    from godtui.cli.tracing import run_trace

    run_trace(given.take(attach, flags), correlation_id, after, whole, form)


@godtui.command(cls=FilterCommand)
@click.argument("filter_words", metavar="[FILTER]...", nargs=-1, callback=encodable)
@click.option("--by", type=click.Choice(["type", "source", "none"]), default="type", show_default=True)
@click.option("--bucket", type=click.Choice(["minute", "hour", "day"]), help="Also tell how they lie in time.")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True, help="How many, the largest.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), help="Default: table on a terminal.")
@settings_options
@click.pass_obj
def stats(
    given: Given, /, filter_words: tuple[str, ...], by: By, bucket: Bucket | None, limit: int, form: str | None,
    attach: str | None, **flags: Any,
) -> None:  # fmt: skip
    """Show numbers and rates of what was stored, such as: type:agent.# since:2h. Needs a godtui that runs."""
    from godtui.cli.statistics import run_stats

    text = " ".join(word.removeprefix("\0") for word in filter_words)
    run_stats(given.take(attach, flags), text, by, bucket, limit, form)


@godtui.group()
def dlq() -> None:
    """See to dead letters: messages that left their queue undelivered. Needs a godtui that runs."""


_LETTER = click.IntRange(1, 2**53 - 1)


@dlq.command("list", cls=FilterCommand)
@click.argument("filter_words", metavar="[FILTER]...", nargs=-1, callback=encodable)
@click.option("--queue", metavar="NAME", callback=encodable, help="Only those of this queue ('' = not known).")
@click.option("--reason", metavar="TEXT", callback=encodable, help="Only those that died of this.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="How many, the newest.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), help="Default: table on a terminal.")
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@settings_options
@click.pass_obj
def dlq_list(
    given: Given, /, filter_words: tuple[str, ...], queue: str | None, reason: str | None, limit: int,
    form: str | None, as_json: bool, attach: str | None, **flags: Any,
) -> None:  # fmt: skip
    """List dead letters, newest first, whose events match a filter, such as: type:agent.# since:15m"""
    from godtui.cli.letters import Wanted, run_list

    wanted = Wanted(joined(filter_words), queue, reason, limit, "json" if as_json else form)
    run_list(given.take(attach, flags), wanted)


@dlq.command("show")
@click.argument("letter_id", metavar="ID", type=_LETTER)
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON, as in a pipe.")
@settings_options
@click.pass_obj
def dlq_show(given: Given, /, letter_id: int, as_json: bool, attach: str | None, **flags: Any) -> None:
    """Show one dead letter with its headers and its whole body."""
    from godtui.cli.letters import run_show

    run_show(given.take(attach, flags), letter_id, as_json)


@dlq.command("requeue")
@click.argument("letter_ids", metavar="ID...", type=_LETTER, nargs=-1, required=True)
@click.option("--body-file", metavar="FILE|-", help="A corrected envelope in place of the letter's body.")
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON, as in a pipe.")
@settings_options
@click.pass_obj
def dlq_requeue(
    given: Given, /, letter_ids: tuple[int, ...], body_file: str | None, as_json: bool, attach: str | None, **flags: Any
) -> None:
    """Put dead letters back into the queue they came from, and into no other."""
    from godtui.cli.letters import run_requeue

    run_requeue(given.take(attach, flags), letter_ids, body_file, as_json)


@dlq.command("discard")
@click.argument("letter_ids", metavar="ID...", type=_LETTER, nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Do not ask.")
@settings_options
@click.pass_obj
def dlq_discard(given: Given, /, letter_ids: tuple[int, ...], yes: bool, attach: str | None, **flags: Any) -> None:
    """Throw dead letters away for good."""
    from godtui.cli.letters import run_discard

    run_discard(given.take(attach, flags), letter_ids, yes)


@godtui.group()
def dispatcher() -> None:
    """See what the Infra Dispatcher decided and why, and control it. Needs a godtui that runs."""


TICKET_STATES: Final = (
    *("ready", "held", "checking", "blocked", "sending", "retrying"),
    *("dispatched", "failed", "withdrawn", "rejected"),
)
_as_json = click.option("--json", "as_json", is_flag=True, help="Answer in JSON, as in a pipe.")
_ticket = click.argument("ticket", metavar="TICKET", callback=encodable)


@dispatcher.command("status")
@click.option("--state", type=click.Choice(TICKET_STATES), help="Only tickets of this state.")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True, help="How many tickets.")
@_as_json
@settings_options
@click.pass_obj
def dispatcher_status(
    given: Given, /, state: TicketState | None, limit: int, as_json: bool, attach: str | None, **flags: Any
) -> None:
    """Show how it is, its tickets, and the checks that run."""
    from godtui.cli.dispatching import run_status

    run_status(given.take(attach, flags), state, limit, as_json)


@dispatcher.command("show")
@_ticket
@_as_json
@settings_options
@click.pass_obj
def dispatcher_show(given: Given, /, ticket: str, as_json: bool, attach: str | None, **flags: Any) -> None:
    """Show one ticket, such as INFRA-42, and all that was decided about it."""
    from godtui.cli.dispatching import run_show

    run_show(given.take(attach, flags), ticket, as_json)


@dispatcher.command("pause")
@click.option("--reason", metavar="TEXT", default="", callback=encodable, help="Why; shown to whoever looks.")
@_as_json
@settings_options
@click.pass_obj
def dispatcher_pause(given: Given, /, reason: str, as_json: bool, attach: str | None, **flags: Any) -> None:
    """Begin nothing new until it is resumed; deliveries are still received and decided."""
    from godtui.cli.dispatching import run_pause

    run_pause(given.take(attach, flags), reason, as_json)


@dispatcher.command("resume")
@_as_json
@settings_options
@click.pass_obj
def dispatcher_resume(given: Given, /, as_json: bool, attach: str | None, **flags: Any) -> None:
    """Go on where it stood."""
    from godtui.cli.dispatching import run_resume

    run_resume(given.take(attach, flags), as_json)


@dispatcher.command("retry")
@_ticket
@_as_json
@settings_options
@click.pass_obj
def dispatcher_retry(given: Given, /, ticket: str, as_json: bool, attach: str | None, **flags: Any) -> None:
    """Check a ticket or send it again now."""
    from godtui.cli.dispatching import run_retry

    run_retry(given.take(attach, flags), ticket, as_json)


@dispatcher.command("withdraw")
@_ticket
@click.option("--reason", metavar="TEXT", default="", callback=encodable, help="Why.")
@_as_json
@settings_options
@click.pass_obj
def dispatcher_withdraw(
    given: Given, /, ticket: str, reason: str, as_json: bool, attach: str | None, **flags: Any
) -> None:
    """Do not dispatch a ticket until it becomes ready anew."""
    from godtui.cli.dispatching import run_withdraw

    run_withdraw(given.take(attach, flags), ticket, reason, as_json)


@dispatcher.command("dispatch")
@_ticket
@click.option("--reason", metavar="TEXT", required=True, callback=encodable, help="Why; it is recorded.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_as_json
@settings_options
@click.pass_obj
def dispatcher_dispatch(
    given: Given, /, ticket: str, reason: str, yes: bool, as_json: bool, attach: str | None, **flags: Any
) -> None:
    """Dispatch a ticket past the gate and its checks."""
    from godtui.cli.dispatching import run_dispatch

    run_dispatch(given.take(attach, flags), ticket, reason, yes, as_json)


@dispatcher.command("explain")
@click.argument("file", metavar="[FILE|-]", required=False)
@click.option("--ticket", metavar="TICKET", callback=encodable, help="A ticket as it was last seen.")
@click.option("--event", "event_id", metavar="ID", type=click.UUID, help="A stored delivery.")
@_as_json
@settings_options
@click.pass_obj
def dispatcher_explain(
    given: Given, /, file: str | None, ticket: str | None, event_id: UUID | None, as_json: bool, attach: str | None,
    **flags: Any,
) -> None:  # fmt: skip
    """Show every condition and the verdict on one of Plane's deliveries, and send nothing."""
    from godtui.cli.dispatching import run_explain

    run_explain(given.take(attach, flags), file, ticket, event_id, as_json)


@dispatcher.command("output")
@click.argument("component", metavar="COMPONENT", callback=encodable)
@settings_options
@click.pass_obj
def dispatcher_output(given: Given, /, component: str, attach: str | None, **flags: Any) -> None:
    """Print what a component's running check prints, until it ends."""
    from godtui.cli.dispatching import run_output

    run_output(given.take(attach, flags), component)


for command in (replay, replays, registry, backup, restore, salvage):
    godtui.add_command(command)


def main(arguments: list[str] | None = None) -> int:
    """Run the program; its exit code."""
    return run(godtui, "godtui", arguments)
