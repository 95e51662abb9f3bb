"""How the sandbox's pages are written: escaped text, tables, forms; no script."""

import json
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from starlette.responses import HTMLResponse

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'"
_HEADERS = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-store"}
_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;margin:1rem auto;max-width:72rem;padding:0 1rem}
table{border-collapse:collapse;width:100%}td,th{border:1px solid #ccc;padding:.25rem .5rem;
text-align:left;vertical-align:top}form{display:inline-block;margin:.15rem .5rem .15rem 0}
pre{background:#f4f4f4;padding:.5rem;overflow:auto;white-space:pre-wrap}
.said{background:#eef6ee;padding:.5rem}.no{background:#fbecec;padding:.5rem}
"""


def page(title: str, parts: Iterable[str], *, status: int = 200) -> HTMLResponse:
    """One whole page around parts that are HTML already."""
    head = (
        '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>"
        f'<p><a href="/sandbox/">支付平台沙箱 / Ping++ sandbox</a></p><h1>{escape(title)}</h1>'
    )
    return HTMLResponse(head + "".join(parts) + "</body></html>", status, _HEADERS)


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table; its cells are HTML already."""
    top = "".join(f"<th>{escape(head)}</th>" for head in heads)
    body = "".join("<tr>" + "".join(f"<td>{c}</td>" for c in row) + "</tr>" for row in rows)
    return f"<table><tr>{top}</tr>{body}</table>"


def link(address: str, said: object) -> str:
    """A link to another page of the sandbox."""
    return f'<a href="{escape(address)}">{escape(str(said))}</a>'


def form(verb: str, button: str, hidden: Mapping[str, str], *inputs: str) -> str:
    """A form that does one verb."""
    kept = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in hidden.items()
    )
    return (
        f'<form method="post" action="/sandbox/do/{escape(verb)}">{kept}{"".join(inputs)}'
        f"<button>{escape(button)}</button></form>"
    )


def box(name: str, label: str, value: str = "") -> str:
    """A text field with its label."""
    return (
        f"<label>{escape(label)} "
        f'<input name="{escape(name)}" value="{escape(value)}" size="16"></label> '
    )


def choice(name: str, label: str, options: Iterable[str]) -> str:
    """A list to choose from."""
    items = "".join(f"<option>{escape(option)}</option>" for option in options)
    return f'<label>{escape(label)} <select name="{escape(name)}">{items}</select></label> '


def shown(value: Any) -> str:
    """An object as indented JSON."""
    return f"<pre>{escape(json.dumps(value, ensure_ascii=False, indent=2))}</pre>"
