"""Which reports do programs take away, and what may they ask of them?"""

from starlette.responses import Response

from service.core.errors import GiveUp
from service.outbound.files.formats import FORMATS
from service.web.api.ask import Ask, Endpoint, Param, Wrong, missing
from service.web.api.scopes import REPORTS as SCOPE
from service.web.doors import Role
from service.web.filed import filed
from service.work.report.parameters import PARAMETERS, Parameter
from service.work.report.question import Asker, Senseless, Unseen, question
from service.work.report.table import REPORTS


def report(ask: Ask) -> Response:
    """One report as a file."""
    given = {name: str(text) for name, text in ask.given.items() if name in PARAMETERS}
    asker = Asker(ask.now, ask.state.settings.zone, ask.accounts)
    try:
        return filed(ask.ledger, question(REPORTS[ask.given["name"]], given, asker))
    except Unseen:
        raise missing() from None
    except Senseless as error:
        raise Wrong(400, str(error), error.field) from None
    except GiveUp as error:
        # a page that would be too long, a format that is not installed
        raise Wrong(400, str(error), "format") from None


def _param(one: Parameter) -> Param:
    return Param(one.name, f"{one.about.en}.", pattern=one.form, words=one.choices)


FILING: tuple[Endpoint, ...] = (
    Endpoint(
        "/api/v1/reports/{name}", "GET", Role.VIEWER, "getReport",
        "One report as a file, from one snapshot of the ledger. Each takes some of the parameters.",
        report, None,
        (
            Param("name", "Which report.", words=tuple(REPORTS), where="path"),
            *(_param(one) for one in PARAMETERS.values()),
        ),
        scope=SCOPE,
        media=tuple(dict.fromkeys(one.media_type for one in FORMATS.values())),
    ),
)  # fmt: skip
