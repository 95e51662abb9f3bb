"""What does somebody ask of a report: which days, of which account, in which language?"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from service.core.report.sheet import Language, Look, Remark, Words
from service.ledger.reporting.detail import By, Stretch


@dataclass(frozen=True, slots=True)
class Ask:
    """One question. Days are of the business zone, both included; None: no bound on that side.

    now: when it is asked. book: one account of the journal. known: as it was known at the end of
    that day. app: one of the merchant's apps.
    """

    now: datetime
    zone: str
    first_day: date | None = None
    last_day: date | None = None
    account: str | None = None
    by: By = By.CREATED
    book: str | None = None
    known: date | None = None
    language: Language = Language.ZH
    app: str | None = None

    @property
    def look(self) -> Look:
        """How it is written."""
        return Look(self.language, ZoneInfo(self.zone))

    @property
    def today(self) -> date:
        """The business day that `now` lies in."""
        return self.now.astimezone(ZoneInfo(self.zone)).date()

    @property
    def since(self) -> datetime | None:
        """The first instant of the first day."""
        return None if self.first_day is None else self.starts(self.first_day)

    @property
    def until(self) -> datetime | None:
        """The first instant after the last day."""
        return None if self.last_day is None else self.ends(self.last_day)

    @property
    def stretch(self) -> Stretch:
        """The same for the ledger."""
        return Stretch(self.account, self.since, self.until, self.by, self.app)

    def starts(self, day: date) -> datetime:
        """The first instant of a business day."""
        return datetime.combine(day, time.min, ZoneInfo(self.zone))

    def ends(self, day: date) -> datetime:
        """The first instant that no longer belongs to a business day."""
        return self.starts(day + timedelta(days=1))

    def remarks(self) -> tuple[Remark, ...]:
        """What stands on every report: which days, whose, and when it was made."""
        made = self.now.astimezone(ZoneInfo(self.zone)).strftime("%Y-%m-%d %H:%M:%S")
        account = self.account
        return (
            Remark(Words("业务日", "business days"), _days(self.first_day, self.last_day)),
            Remark(
                Words("账户", "account"),
                Words("全部", "all") if account is None else Words(account, account),
            ),
            *self._chosen(),
            Remark(Words("时区", "time zone"), Words(self.zone, self.zone)),
            Remark(Words("生成时间", "made at"), Words(made, made)),
        )

    def _chosen(self) -> tuple[Remark, ...]:
        """What was chosen besides, for a file that is looked at long afterwards."""
        app, book = self.app, self.book
        moved = Words("入账时间", "the move of the money")
        said = (
            (Words("应用", "app"), app and Words(app, app)),
            (Words("科目", "ledger account"), book and Words(book, book)),
            (Words("日期依据", "days go by"), moved if self.by is By.MOVED else None),
        )
        return tuple(Remark(what, text) for what, text in said if isinstance(text, Words))


def _days(first: date | None, last: date | None) -> Words:
    if first is None and last is None:
        return Words("全部", "all")
    if first == last:
        return Words(str(first), str(first))
    return Words(
        f"{first or '最早'} 至 {last or '现在'}", f"{first or 'the first'} to {last or 'now'}"
    )
