"""The commands about replays: `replay` makes one, `replays` sees to those there are."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import click

from godtui.cli.filter_words import FilterCommand, joined
from godtui.cli.options import Given, encodable, settings_options
from godtui.settings import FLAGS

if TYPE_CHECKING:
    from godtui.operations import Speed

NONE: Final = "none"


def number(word: str | None = None, *, zero: bool = False) -> Callable[..., float | str | None]:
    """Reads a number above 0, or of at least 0; `word` is what may stand in its place and is kept as it is."""
    wanted = ("a number, 0 or more" if zero else "a number above 0") + (f", or {word}" if word else "")

    def read(_context: click.Context, _parameter: click.Parameter, value: str | None) -> float | str | None:
        if value is None or value == word:
            return value
        given = joined([value])
        try:
            found = float(given)
        except ValueError:
            found = -1.0
        if not (0 < found < float("inf") or (zero and found == 0)):
            raise click.BadParameter(f"{given!r} is not {wanted}")
        return found

    return read


_replay_id = click.argument("replay_id", metavar="ID", type=click.UUID)
_form = click.option("--format", "form", type=click.Choice(["table", "json"]), help="Default: table on a terminal.")


@click.command(cls=FilterCommand)
@click.argument("filter_words", metavar="FILTER...", nargs=-1, required=True, callback=encodable)
@click.option("--to", metavar="bus|queue:NAME", default="bus", show_default=True, callback=encodable, help="Where to.")
@click.option(
    "--speed", metavar="N|max", callback=number("max"), default="1", help="Times as quick as it was (default 1)."
)
@click.option("--rate", metavar="N", callback=number(), help="At most so many events a second.")
@click.option("--max-gap", "max_gap", metavar="S", callback=number(zero=True), help="The longest wait, in seconds.")
@click.option("--dry-run", is_flag=True, help="Show the plan, and send nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--detach", is_flag=True, help="Do not wait for its end.")
@click.option("--paused", is_flag=True, help="Make it paused, for godtui replays step or resume.")
@_form
@settings_options
@click.pass_obj
def replay(given: Given, /, filter_words: tuple[str, ...], attach: str | None, **options: Any) -> None:
    """Send stored events once more, such as: godtui replay type:agent.# since:15m --to queue:agent.inbox

    Every event that matches now goes in the order it came, with its own id, and nothing is stored or dispatched twice.
    '' matches all. Ctrl-C pauses it. Exit codes: 0 it completed, 1 it failed or was cancelled, 2 wrong usage, 3 no
    godtui answers, 130 interrupted.
    """
    from godtui.cli.replaying import Wanted, run_replay

    flags = {name: options.pop(name) for name in FLAGS}
    run_replay(given.take(attach, flags), Wanted(joined(filter_words), **options))


@click.group()
def replays() -> None:
    """See to the replays there are. Needs a godtui that runs."""


@replays.command("list")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True, help="How many.")
@_form
@settings_options
@click.pass_obj
def replays_list(given: Given, /, limit: int, form: str | None, attach: str | None, **flags: Any) -> None:
    """List replays, those first that are open."""
    from godtui.cli.replaying import run_list

    run_list(given.take(attach, flags), limit, form)


@replays.command("show")
@_replay_id
@_form
@settings_options
@click.pass_obj
def replays_show(given: Given, /, replay_id: UUID, form: str | None, attach: str | None, **flags: Any) -> None:
    """Show one replay, and how far it is."""
    from godtui.cli.replaying import run_show

    run_show(given.take(attach, flags), replay_id, form)


@replays.command("follow")
@_replay_id
@_form
@settings_options
@click.pass_obj
def replays_follow(given: Given, /, replay_id: UUID, form: str | None, attach: str | None, **flags: Any) -> None:
    """Wait for the end of a replay, as the command that made it does; Ctrl-C pauses it."""
    from godtui.cli.replaying import run_follow

    run_follow(given.take(attach, flags), replay_id, form)


@replays.command("pause")
@_replay_id
@_form
@settings_options
@click.pass_obj
def replays_pause(given: Given, /, replay_id: UUID, form: str | None, attach: str | None, **flags: Any) -> None:
    """Send nothing more until it is resumed, whatever restarts meanwhile."""
    from godtui.cli.replaying import run_control

    run_control(given.take(attach, flags), lambda asked: asked.pause(replay_id), form)


@replays.command("resume")
@_replay_id
@_form
@settings_options
@click.pass_obj
def replays_resume(given: Given, /, replay_id: UUID, form: str | None, attach: str | None, **flags: Any) -> None:
    """Go on from where it stands."""
    from godtui.cli.replaying import run_control

    run_control(given.take(attach, flags), lambda asked: asked.resume(replay_id), form)


@replays.command("cancel")
@_replay_id
@_form
@settings_options
@click.pass_obj
def replays_cancel(given: Given, /, replay_id: UUID, form: str | None, attach: str | None, **flags: Any) -> None:
    """End it where it stands; what was sent stays sent."""
    from godtui.cli.replaying import run_control

    run_control(given.take(attach, flags), lambda asked: asked.cancel(replay_id), form)


@replays.command("step", context_settings={"ignore_unknown_options": True})
@_replay_id
@click.argument("count", metavar="[N]", type=int, default=1)
@_form
@settings_options
@click.pass_obj
def replays_step(
    given: Given, /, replay_id: UUID, count: int, form: str | None, attach: str | None, **flags: Any
) -> None:
    """Of a paused one: send the next N events now (default 1), or with -N go back, which sends nothing."""
    from godtui.cli.replaying import run_control

    run_control(given.take(attach, flags), lambda asked: asked.step(replay_id, count), form)


@replays.command("seek")
@_replay_id
@click.argument("place", metavar="SEQ|TIME", callback=encodable)
@_form
@settings_options
@click.pass_obj
def replays_seek(
    given: Given, /, replay_id: UUID, place: str, form: str | None, attach: str | None, **flags: Any
) -> None:
    """Go on from a position, or from the first event of a moment such as 2026-02-12T14:02:11Z or later."""
    from godtui.cli.replaying import run_seek

    run_seek(given.take(attach, flags), replay_id, place, form)


@replays.command("speed")
@_replay_id
@click.argument("speed", metavar="[N|max]", callback=number("max"), required=False)
@click.option("--rate", metavar="N|none", callback=number(NONE), help="At most so many events a second.")
@click.option("--max-gap", "max_gap", metavar="S|none", callback=number(NONE, zero=True), help="The longest wait.")
@_form
@settings_options
@click.pass_obj
def replays_speed(
    given: Given, /, replay_id: UUID, speed: Speed | None, rate: float | str | None, max_gap: float | str | None,
    form: str | None, attach: str | None, **flags: Any,
) -> None:  # fmt: skip
    """Change how quickly it goes on; what is not given stays as it is."""
    from godtui.cli.replaying import run_speed

    run_speed(given.take(attach, flags), replay_id, speed, rate, max_gap, form)
