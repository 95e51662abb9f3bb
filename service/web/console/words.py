"""In which language is it said, and what do people call what programs call by a word?

Texts in code and templates are English and stand in the catalogues of `service/web/locale`. The
.po files are read as they are: nothing is compiled, so that nothing can be out of date.
"""

import gettext
import io
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from service.web.doors import Language

LOCALE = Path(__file__).parents[1] / "locale"
DOMAIN = "console"


def N_(text: str) -> str:  # noqa: N802  gettext's own name for a text that is translated later
    """Mark a text for the catalogues."""
    return text


@cache
def translations(language: Language) -> gettext.NullTranslations:
    """The catalogue of a language."""
    path = LOCALE / language / "LC_MESSAGES" / f"{DOMAIN}.po"
    with path.open("rb") as file:
        catalog = read_po(file, locale=language, domain=DOMAIN)
    compiled = io.BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def said(language: Language, group: str, word: object) -> str:
    """What people call a word of a group; a word that nobody knows stands for itself."""
    text = WORDS[group].get(str(word))
    return str(word) if text is None else translations(language).gettext(text)


KIND_WORDS: Mapping[str, str] = {
    "order": N_("Order"),
    "charge": N_("Charge"),
    "refund": N_("Refund"),
    "order_refund": N_("Order refund"),
    "withdrawal": N_("Withdrawal"),
    "allocation": N_("Allocation"),
    "allocation_refund": N_("Allocation refund"),
    "allocation_complete": N_("Allocation completion"),
    "user": N_("User"),
    "settle_account": N_("Settle account"),
    "sub_app": N_("Sub-merchant app"),
    "cus_application": N_("Personal account application"),
    "mch_application": N_("Business account application"),
    "micro_application": N_("Micro-business application"),
    "deposit": N_("Deposit"),
    "recharge": N_("Recharge"),
    "transfer": N_("Transfer"),
    "batch_transfer": N_("Batch transfer"),
    "batch_refund": N_("Batch refund"),
    "batch_withdrawal": N_("Batch withdrawal"),
    "red_envelope": N_("Red envelope"),
    "royalty": N_("Royalty"),
    "royalty_settlement": N_("Royalty settlement"),
    "customs": N_("Customs declaration"),
    "agreement": N_("Agreement"),
    "app_daily_summary": N_("App summary, day"),
    "app_weekly_summary": N_("App summary, week"),
    "app_monthly_summary": N_("App summary, month"),
    "account_daily_summary": N_("Account summary, day"),
    "account_weekly_summary": N_("Account summary, week"),
    "account_monthly_summary": N_("Account summary, month"),
    "statement": N_("Statement line"),
    "total": N_("All together"),
}

WORDS: Mapping[str, Mapping[str, str]] = {
    "kind": KIND_WORDS,
    "status": {
        "created": N_("created"),
        "pending": N_("pending"),
        "paid": N_("paid"),
        "refunded": N_("refunded"),
        "canceled": N_("canceled"),
        "reversed": N_("reversed"),
        "succeeded": N_("succeeded"),
        "failed": N_("failed"),
        "known": N_("known"),
        "partially_succeeded": N_("partly succeeded"),
        "sent": N_("sent"),
        "received": N_("received"),
    },
    "mismatch": {
        "live": N_("not settled"),
        "all": N_("all"),
        "suspected": N_("suspected"),
        "open": N_("open"),
        "acknowledged": N_("acknowledged"),
        "waived": N_("waived"),
        "settled": N_("settled"),
    },
    "severity": {
        "critical": N_("critical"),
        "warning": N_("warning"),
        "info": N_("info"),
    },
    "act": {
        "acknowledge": N_("acknowledged it"),
        "assign": N_("assigned it"),
        "comment": N_("commented"),
        "waive": N_("waived it"),
        "reopen": N_("opened it again"),
    },
    "delivery": {
        "waiting": N_("waiting"),
        "applied": N_("applied"),
        "kept": N_("kept"),
        "quarantined": N_("quarantined"),
    },
    "verdict": {"accepted": N_("accepted"), "evidence": N_("evidence")},
    "source": {
        "webhook": N_("notification"),
        "poll": N_("our question"),
        "list": N_("list"),
        "statement": N_("statement"),
        "replay": N_("replay"),
    },
    "decision": {
        "applied": N_("applied"),
        "unchanged": N_("unchanged"),
        "late": N_("late"),
        "conflicting": N_("conflicting"),
    },
    "dispatch": {"waiting": N_("waiting"), "sent": N_("sent"), "dead": N_("given up")},
    "sink": {
        "ready": N_("ready"),
        "filling": N_("filling"),
        "paused": N_("paused"),
        "new": N_("new"),
        "not set up": N_("not set up"),
    },
    "statement": {"imported": N_("imported"), "removed": N_("removed"), "staged": N_("staged")},
    "side": {
        "book": N_("the book"),
        "pingpp": "Ping++",
        "channel": N_("the channel"),
    },
    "aspect": {
        "missing": N_("lacks it"),
        "amount": N_("other amount"),
        "fee": N_("other fee"),
        "date": N_("other day"),
        "currency": N_("other currency"),
        "status": N_("says it did not move"),
        "duplicate": N_("has it twice"),
    },
    "line": {
        "payment": N_("payments"),
        "refund": N_("refunds"),
        "withdrawal": N_("withdrawals"),
    },
    "outcome": {
        "done": N_("done"),
        "later": N_("later"),
        "failed": N_("failed"),
        "running": N_("running"),
    },
    "step": {
        "delivery": N_("Delivery"),
        "evidence": N_("Evidence"),
        "observation": N_("Sighting"),
        "look": N_("Question"),
        "change": N_("Change"),
        "suspected": N_("Suspected"),
        "opened": N_("Mismatch opened"),
        "settled": N_("Mismatch settled"),
        "message": N_("Message"),
        "dropped": N_("Dropped by a person"),
        "watch": N_("Next question"),
        "posting": N_("Posting"),
    },
    "measure": {
        "paid": N_("Money in"),
        "refunded": N_("Refunded"),
        "allocated": N_("Allocated"),
        "withdrawn": N_("Withdrawn"),
    },
    "job": {
        "backfill": N_("Walks the provider's lists for what no notification told of"),
        "radar": N_("Measures hour by hour what was delivered"),
        "reconcile": N_("Runs every rule over everything, statements too"),
        "prune": N_("Forgets old firings"),
        "count": N_("Adds up what the journal says has moved"),
        "card": N_("Measures week by week how Ping++ notifies"),
        "drain": N_("Reads deliveries and applies them"),
        "poll": N_("Asks again about everything that is pending"),
        "publish": N_("Sends messages to the sinks"),
        "suspects": N_("Opens suspicions whose grace is over"),
        "close": N_("Closes the business day"),
        "people": N_("Tells people what is wrong"),
        "reports": N_("Makes the reports that are due"),
        "report": N_("Makes the reports that are due"),
        "alerts": N_("Looks whether anything is unwell, and says so"),
        "heartbeat": N_("Tells somebody outside that it runs"),
    },
    "watch": {
        "open": N_("it has not ended"),
        "conflict": N_("it is contradictory"),
        "aftercare": N_("once more after its end"),
    },
    "answer": {
        "ok": N_("with the object"),
        "http_404": N_("that there is none"),
        "waiting": N_("nothing: it was not sent"),
        "unaskable": N_("nothing: there is no way to ask"),
        "wrong_object": N_("with another object"),
        "malformed": N_("what cannot be read"),
        "rate_limited": N_("that it was asked too often"),
        "timeout": N_("nothing in time"),
    },
    "by": {"created": N_("when it was made"), "moved": N_("when its money moved")},
    "format": {
        "csv": "CSV",
        "xlsx": "Excel (XLSX)",
        "html": N_("Page to print (HTML)"),
        "parquet": "Parquet",
        "jsonl": N_("JSON lines"),
        "beancount": "Beancount",
    },
    "language": {"zh": "中文", "en": "English"},
    "sheet": {
        "days": N_("By day"),
        "accounts": N_("By account"),
        "apps": N_("By app"),
        "channels": N_("By channel"),
        "kinds": N_("By kind"),
        "fees": N_("One by one"),
        "shares": N_("One by one"),
        "pending": N_("One by one"),
        "recipients": N_("By recipient"),
        "ages": N_("By age"),
        "differences": N_("What differs"),
        "statements": N_("Imported files"),
        "vouchers": N_("Vouchers"),
    },
}
