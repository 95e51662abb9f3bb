"""How is everything of one object handed to somebody else? `dossier`."""

from pathlib import Path
from typing import Annotated

import typer

from service.cli.exits import Usage
from service.cli.explain import find, sentence
from service.cli.opening import REASON_LEAST, asking
from service.cli.options import Config, open_command
from service.core.errors import GiveUp
from service.core.kinds import KINDS
from service.core.masking import mask_text
from service.ledger import audit
from service.pingpp.targets import is_id
from service.work.dossier.gather import gather
from service.work.dossier.pack import pack, write


def dossier(
    context: typer.Context,
    kind: Annotated[str, typer.Argument(help="order, order_refund, charge, withdrawal, …")],
    object_id: Annotated[str, typer.Argument(metavar="ID", help="The provider's id.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE.zip", help="A file not yet there.")],
    account: Annotated[str | None, typer.Option(help="When two accounts know this id.")] = None,
    opened: Annotated[
        bool, typer.Option("--open", help="With the signed bytes, which hold personal data.")
    ] = False,
    reason: Annotated[str, typer.Option(help="Why; it is kept, so name nobody in it.")] = "",
    who: Annotated[str, typer.Option("--as", help="Who asks, when it is not this user.")] = "",
    config: Config = None,
) -> None:
    """Write a ZIP with all that is known of an object, and how to verify who signed it."""
    if kind not in KINDS:
        raise Usage(f"KIND should be one of {', '.join(KINDS)}")
    if not is_id(object_id):
        raise Usage("ID should be an id: letters, digits, _ and -")
    if opened is (len(reason.strip()) < REASON_LEAST):
        raise Usage("--open needs a --reason, and only --open takes one")
    if out.exists():
        raise Usage("--out should name a file that is not there yet")
    with open_command(context, config) as runtime:
        key = find(runtime, kind, object_id, account)
        if opened:
            what = f"dossier {' '.join(key)}"
            now, why = runtime.clock(), mask_text(reason)
            audit.note(runtime.ledger, who=asking(who), what=what, why=why, now=now)
        made = gather(
            runtime.ledger, runtime.rings.get(key.account), key, opened=opened, tell=sentence
        )
        packed = pack(made, runtime.settings.zone)
    try:
        write(packed, out)
    except OSError as error:
        raise GiveUp(f"{out} cannot be written: {error.strerror}") from None
    told = made.document
    typer.echo(
        f"{out}: {len(told['objects'])} objects, {len(told['notifications'])} notifications,"
        f" {len(told['postings'])} postings, {len(told['mismatches'])} mismatches",
        err=True,
    )
