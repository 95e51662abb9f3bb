"""What others may write, at its worst, and a browser that shows whether any of it runs."""

from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, Route

from service.web.console.page import STATIC

# Every one bears this word, so that it is known again wherever it is shown.
MARK = "pwned"
SCRIPTS = [
    "<script>top.pwned=1</script>",
    '"><script>top.pwned=1</script>',
    "'><img src=x onerror=top.pwned=1>",
    "<svg onload=top.pwned=1>",
    "<svg><script>top.pwned=1</script></svg>",
    "</title><script>top.pwned=1</script>",
    "</textarea><script>top.pwned=1</script>",
    "</pre></style><script>top.pwned=1</script>",
    '" onmouseover=top.pwned=1 x="',
    "<a href=javascript:top.pwned=1>x</a>",
    "' autofocus onfocus=top.pwned=1 x='",
    "<iframe srcdoc='<script>top.pwned=1</script>'></iframe>",
    "<details open ontoggle=top.pwned=1>",
    "<input autofocus onfocus=top.pwned=1>",
    "<body onload=top.pwned=1>",
    "<math><mtext></mtext><mglyph><svg onload=top.pwned=1>",
    "<div hx-get=/console/today hx-trigger=load hx-on:load=top.pwned=1>",
    "<!--><script>top.pwned=1</script>-->",
    "<object data=javascript:top.pwned=1></object>",
    "<form action=javascript:top.pwned=1><button>x</button></form>",
]
# inert everywhere (failure model, R27), and what only other readers would take for a command
ODDITIES = [
    "javascript:top.pwned=1", "{{7*7}}pwned{% print(7*7) %}", "${jndi:ldap://pwned}",
    "%s%n%(pwned)s",
    "__proto__pwned", "pwned'; DROP TABLE beliefs; --", "../../pwned", "&lt;script&gt;pwned",
    "=HYPERLINK(\"http://pwned\")",
]  # fmt: skip
PAYLOADS = [*SCRIPTS, *ODDITIES]
# through a field of one line nothing of this comes
CONTROL = ["\x1b[31mpwned", "pwned\r\nx-evil: 1"]

_BLANK = "http://blank.example/"
_FRAMES = 25
_SHOW = """async (pages) => {
  const frames = await Promise.all(pages.map((text) => new Promise((shown) => {
    const frame = document.createElement("iframe");
    frame.onload = () => shown(frame);
    frame.srcdoc = text;
    document.body.append(frame);
  })));
  await new Promise((on) => setTimeout(on, 30));
  const addresses = ["href", "src", "action", "formaction", "data", "xlink:href"];
  const odd = frames.map((frame) => {
    let count = 0;
    const inside = frame.contentDocument;
    for (const element of inside.querySelectorAll("*")) {
      for (const { name, value } of element.attributes) {
        if (/^(on|hx-on)/i.test(name)) count += 1;
        if (addresses.includes(name) && /^\\s*javascript:/i.test(value)) count += 1;
      }
    }
    const never = "script:not([src]), iframe, object, embed, math, base";
    return count + inside.querySelectorAll(never).length;
  });
  frames.forEach((frame) => frame.remove());
  return odd;
}"""


class Shower:
    """Shows pages in a tab without any policy: what a page lets through would really run here."""

    def __init__(self, tab: Page) -> None:
        self._tab = tab
        tab.route(f"{_BLANK}**", self._serve)
        tab.goto(_BLANK)

    def _serve(self, route: Route) -> None:
        name = Path(route.request.url).name
        if "/static/" in route.request.url and (STATIC / name).is_file():
            kind = "text/css" if name.endswith(".css") else "text/javascript"
            route.fulfill(body=(STATIC / name).read_bytes(), content_type=kind)
        else:
            route.fulfill(body="<!doctype html><body></body>", content_type="text/html")

    def odd(self, pages: Sequence[tuple[str, str]]) -> list[str]:
        """Which of the pages, by label, ran something or hold what would run when it is touched."""
        found: list[str] = []
        for start in range(0, len(pages), _FRAMES):
            some = pages[start : start + _FRAMES]
            counts: list[int] = self._tab.evaluate(_SHOW, [text for _, text in some])
            found += [label for (label, _), count in zip(some, counts, strict=True) if count]
            if self._tab.evaluate("window.pwned") is not None:
                found.append(f"ran: {some[0][0]} … {some[-1][0]}")
                self._tab.evaluate("delete window.pwned")
        return found


class Form:
    """One form of a page: where it goes, and its fields with what they hold."""

    def __init__(self, attributes: dict[str, str]) -> None:
        self.method = attributes.get("method", "get")
        self.action = attributes.get("action", "")
        self.fields: dict[str, str] = {}
        # those that take any text
        self.free: list[str] = []
        self.has_file = False

    @property
    def name(self) -> str:
        act = self.fields.get("act", "")
        return f"{self.method} {self.action} {act} {','.join(sorted(self.fields))}"


class Forms(HTMLParser):
    """All forms of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[Form] = []
        self._form: Form | None = None
        self._select = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = Form(given)
            self.found.append(self._form)
        elif self._form is None:
            return
        elif tag == "select":
            self._select = given["name"]
        elif tag == "option" and ("selected" in given or self._select not in self._form.fields):
            self._form.fields[self._select] = given.get("value", "")
        elif tag in ("input", "textarea", "button") and given.get("name"):
            self._take(self._form, tag, given)

    def _take(self, form: Form, tag: str, given: dict[str, str]) -> None:
        name, kind = given["name"], given.get("type", "text" if tag != "button" else "submit")
        if kind == "file":
            form.has_file = True
            return
        form.fields.setdefault(name, given.get("value", ""))
        if tag == "textarea" or kind in ("text", "search"):
            form.free.append(name)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None


def values_of(form: Form, text: str, only: str = "") -> dict[str, Any]:
    """What is sent: the text in one field, or in all that take any; the rest as the page has it."""
    given: dict[str, Any] = dict(form.fields)
    given.pop("once", None)
    for name in [only] if only else form.free:
        given[name] = text
    return given
