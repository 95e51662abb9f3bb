"""What may programs do? Work mismatches, have an object asked for, have a delivery read again."""

from collections.abc import Callable
from typing import Any

from service.core.observation import Key
from service.ledger import audit, deliveries, desk, listing, watches
from service.web.api import views
from service.web.api.ask import Ask, Endpoint, Wrong, missing
from service.web.api.reading import NUMBER, WHICH, mismatch
from service.web.doors import Role
from service.work.respond import respond

_QUARANTINED = ("quarantined",)
_KEPT = ("kept", "applied")


def _acting(name: str) -> Callable[[Ask], Any]:
    """A handler of one act upon one mismatch."""

    def answer(ask: Ask) -> Any:
        number = ask.given["number"]
        mismatch(ask)
        act = desk.Act(
            name,
            ask.person.name[: desk.NAME_LIMIT],
            ask.body.note,
            getattr(ask.body, "owner", None),
            getattr(ask.body, "until", None),
        )
        now = ask.now
        if problem := act.problem(now):
            raise Wrong(400, problem, "body")
        (done,) = respond(ask.ledger, [(act, [number])], terms=ask.state.terms, now=now)
        if done.refused:
            raise Wrong(409, done.refused[number])
        return mismatch(ask)

    return answer


def look(ask: Ask) -> Any:
    """Make it due now; an object that nobody knew yet, too."""
    key: Key = ask.key
    if key.account not in ask.state.settings.accounts:
        raise missing()
    if key.account not in ask.state.clients:
        raise Wrong(409, "this account has no api_key: nothing can be asked")
    with ask.ledger.begin() as connection:
        watches.request(connection, key, now=ask.now, place={})
    return {"accepted": True}


def _reading_again(name: str, states: tuple[str, ...]) -> Callable[[Ask], Any]:
    """A handler that lets a delivery in one of these states be read again."""

    def answer(ask: Ask) -> Any:
        number = ask.given["number"]
        with ask.ledger.begin() as connection:
            rows, _ = listing.page(
                connection,
                listing.DELIVERIES,
                accounts=ask.accounts,
                where={"number": number},
                after=None,
                limit=1,
            )
            if not rows:
                raise missing()
            count = sum(deliveries.requeue(connection, state=s, ids=[number]) for s in states)
        if not count:
            raise Wrong(409, f"it is {rows[0]['state']}, and {rows[0]['verdict']}")
        what = f"delivery {number}: {name}"
        audit.note(ask.ledger, who=ask.person.name, what=what, why="by the API", now=ask.now)
        return {"accepted": True}

    return answer


def _act(name: str, about: str, body: type[Any]) -> Endpoint:
    return Endpoint(
        f"/api/v1/mismatches/{{number}}/{name}", "POST", Role.FINANCE, f"{name}Mismatch", about,
        _acting(name), views.MismatchStory, NUMBER, body,
    )  # fmt: skip


def _operate(
    path: str, name: str, about: str, answer: Callable[[Ask], Any], params: tuple[Any, ...]
) -> Endpoint:
    return Endpoint(
        f"/api/v1{path}", "POST", Role.OPERATOR, name, about, answer, views.Accepted, params,
        status=202,
    )  # fmt: skip


ACTING: tuple[Endpoint, ...] = (
    _act("acknowledge", "Say that somebody has seen it.", views.Remark),
    _act("assign", "Give it to somebody.", views.Assignment),
    _act("comment", "Write something down about it.", views.Comment),
    _act("waive", "Let it stand for a while, as it is.", views.Waiver),
    _act("reopen", "Take an acknowledgement or a waiver back.", views.Remark),
    _operate(
        "/objects/{account}/{kind}/{id}/look", "lookAtObject",
        "Have the provider asked for it now.", look, WHICH,
    ),
    _operate(
        "/deliveries/{number}/requeue", "requeueDelivery",
        "Let a quarantined delivery be read again.",
        _reading_again("requeued", _QUARANTINED), NUMBER,
    ),
    _operate(
        "/deliveries/{number}/replay", "replayDelivery",
        "Let a delivery that was kept or applied be read again.",
        _reading_again("replayed", _KEPT), NUMBER,
    ),
)  # fmt: skip
