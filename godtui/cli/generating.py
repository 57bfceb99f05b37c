"""`holyfields generate`: the contracts as Pydantic models and Zod schemas."""

from __future__ import annotations

from pathlib import Path

import click

from godtui.cli.failures import FAILED, LISTED, ThingFailedError, WrongUsageError
from godtui.cli.options import Given
from godtui.settings.values import counted


@click.command("generate")
@click.argument("target", metavar="[python|typescript]", required=False, type=click.Choice(["python", "typescript"]))
@click.option("--schemas", metavar="DIR", help="The folder of contracts (default ./schemas, else packaged).")
@click.option(
    "--out", metavar="DIR", default="generated", type=click.Path(path_type=Path),
    help="Where to write: a folder for each language in it (default ./generated).",
)  # fmt: skip
@click.option("--check", is_flag=True, help="Write nothing; say what would change, and exit 1 if anything would.")
@click.pass_context
def generate_code(context: click.Context, target: str | None, schemas: str | None, out: Path, check: bool) -> None:
    """Write every contract as a Pydantic model and a Zod schema (default both)."""
    from godtui.holyfields.generate import TARGETS, OutputError, RefusedError, UnfitOutputError, generate

    folder = Given().take(None, {"schemas": schemas}).settings().schemas_folder()
    if out.resolve().is_relative_to(folder.resolve()):
        raise WrongUsageError(
            f"{out} is in the schema folder {folder}, where it would be read as contracts; name another --out"
        )
    targets = (target,) if target else TARGETS
    try:
        outcome = generate(folder, out, targets, check=check)
    except RefusedError as error:
        where = [str(one) if one.file else f"the schema folder {folder} {one}" for one in error.refusals]
        raise ThingFailedError(LISTED.join(["nothing is generated:", *where] if len(where) > 1 else where)) from None
    except UnfitOutputError as error:
        raise WrongUsageError(str(error)) from None
    except OutputError as error:
        raise ThingFailedError(str(error)) from None
    if outcome.is_current:
        click.echo(f"{out} is up to date with {counted(outcome.contracts, 'contract')}")
    elif check:
        _say(out, "would be written", outcome.written)
        _say(out, "would be removed", outcome.removed)
        context.exit(FAILED)
    else:
        removed = f", {len(outcome.removed)} removed" if outcome.removed else ""
        written = f"{counted(len(outcome.written), 'file')} written{removed}"
        click.echo(f"{counted(outcome.contracts, 'contract')} in {out}: {written}")


def _say(out: Path, what: str, paths: tuple[str, ...]) -> None:
    for path in paths:
        click.echo(f"{out / path} {what}")
