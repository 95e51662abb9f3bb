"""How is it going: what came in and went out, what stands still, what is wrong?"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from starlette.responses import RedirectResponse, Response

from service.ledger import radar
from service.ledger.engine import Connection
from service.ledger.radar import Measured, share
from service.ledger.views import deliveries, stuck
from service.ledger.views.money import MEASURES, Moved
from service.web.console.charts import Stack, columns, nice_top, steps_of
from service.web.console.page import back_to, page
from service.web.console.show import change, decimal
from service.web.console.tally import Tally
from service.web.console.visit import LANGUAGE_COOKIE, Refused, Visit
from service.web.console.words import N_
from service.web.doors import LANGUAGES

DAY, WEEK = timedelta(days=1), timedelta(days=7)
LONGEST_SHOWN = 6
RADAR_SPAN = timedelta(hours=27)
LANGUAGE_SECONDS = 365 * 86_400
HOURS = 24


@dataclass(frozen=True, slots=True)
class Figure:
    """One measure of today in one currency, and as much of yesterday and a week ago."""

    measure: str
    currency: str
    amount: int
    count: int
    yesterday: int
    week: int

    @property
    def against_yesterday(self) -> str:
        """In percent."""
        return change(self.amount, self.yesterday)

    @property
    def against_week(self) -> str:
        """In percent."""
        return change(self.amount, self.week)


def home(_visit: Visit) -> Response:
    """The console begins with today."""
    return back_to("/console/today")


def language(visit: Visit) -> Response:
    """Choose the language of this browser, and go back to the page that was shown."""
    chosen = visit.field("language")
    if chosen not in LANGUAGES:
        raise Refused(400, N_("The field has no such choice."), "language")
    answer = RedirectResponse(_local(visit.field("back", limit=2_000)), 303)
    answer.set_cookie(
        LANGUAGE_COOKIE,
        chosen,
        max_age=LANGUAGE_SECONDS,
        path="/console",
        httponly=True,
        samesite="strict",
        secure=visit.request.url.scheme == "https",
    )
    return answer


def _local(path: str) -> str:
    """A page of the console; anything else is its first one."""
    parts = urlsplit(path)
    plain = not parts.scheme and not parts.netloc and "\\" not in path
    return path if plain and path.startswith("/console/") else "/console/today"


def today(visit: Visit) -> Response:
    """The first page."""
    visit.check_query(("account",))
    account = visit.account()
    scope = visit.scope if account is None else frozenset({account})
    tally = Tally.of(visit.request.app.state)
    begin = visit.beginning(visit.today)
    with visit.ledger.read() as connection:

        def moved(since: datetime, until: datetime) -> Sequence[Moved]:
            return tally.moved(connection, since, until, scope, now=visit.now)

        spans = [moved(begin - ago, visit.now - ago) for ago in (timedelta(0), DAY, WEEK)]
        before = moved(begin - DAY, begin)
        values = {
            "figures": list(_figures(*spans)),
            **stuck.standing(connection, scope, now=visit.now)._asdict(),
            "longest": stuck.longest(connection, scope, now=visit.now, limit=LONGEST_SHOWN),
            "causes": stuck.causes(connection, scope),
            "last_received": deliveries.last_received(connection, scope),
            "measured": _measured(connection, visit, account),
        }
    return page(
        visit,
        "today.html",
        chart=_chart(visit, spans[0], before),
        day=visit.today,
        account=account,
        share_of=_share,
        target=visit.settings.radar.target,
        count_limit=stuck.COUNT_LIMIT,
        **values,
    )


def _figures(
    today: Iterable[Moved], yesterday: Iterable[Moved], week: Iterable[Moved]
) -> Iterable[Figure]:
    """Each measure in each currency that moved; cny is always there."""
    sums = [_sum(one) for one in (today, yesterday, week)]
    counts: Counter[tuple[str, str]] = Counter()
    for one in today:
        counts[one.measure, one.currency] += one.count
    currencies = sorted({currency for each in sums for _, currency in each} | {"cny"})
    for currency in sorted(currencies, key=lambda code: (code != "cny", code)):
        for measure in MEASURES:
            name = (measure, currency)
            if currency == "cny" or any(each[name] for each in sums):
                yield Figure(*name, sums[0][name], counts[name], sums[1][name], sums[2][name])


def _sum(moved: Iterable[Moved]) -> Counter[tuple[str, str]]:
    found: Counter[tuple[str, str]] = Counter()
    for one in moved:
        found[one.measure, one.currency] += one.amount
    return found


def _chart(visit: Visit, today: Iterable[Moved], before: Iterable[Moved]) -> object:
    """Money in by the hour, today against yesterday."""
    ours, theirs = _hourly(today), _hourly(before)
    top = nice_top(max([*ours.values(), *theirs.values(), 1]))
    stacks = [
        Stack(
            label=f"{hour:02d}" if hour % 3 == 0 else "",
            title=f"{hour:02d}:00  ¥{decimal(ours[hour])} / ¥{decimal(theirs[hour])}",
            parts=[("good", ours[hour])],
            mark=theirs[hour],
        )
        for hour in range(HOURS)
    ]
    return columns(
        stacks,
        name=visit.say(N_("Money in by the hour, today against yesterday")),
        about=f"¥{decimal(sum(ours.values()))} / ¥{decimal(sum(theirs.values()))}",
        top=top,
        top_text=[_brief(one, visit.language) for one in steps_of(top)],
    )


def _hourly(moved: Iterable[Moved]) -> Counter[int]:
    found: Counter[int] = Counter()
    for one in moved:
        if one.measure == "paid" and one.currency == "cny":
            found[min(one.hour, HOURS - 1)] += max(one.amount, 0)
    return found


def _brief(amount: int, language: str) -> str:
    """A round amount for the edge of a picture: 12万 or 120k."""
    yuan = amount / 100
    base, unit = (10_000, "万") if language == "zh" else (1_000, "k")
    return f"¥{yuan / base:,.4g}{unit}" if yuan >= base else f"¥{yuan:,.4g}"


def _share(one: Measured) -> float:
    return share(one.delivered, one.asked, one.unexplained)


def _measured(connection: Connection, visit: Visit, account: str | None) -> list[Measured]:
    found = radar.sums(connection, since=visit.now - RADAR_SPAN, account=account)
    return [one for one in found if visit.person.sees(one.account)]
