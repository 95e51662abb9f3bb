"""Does the settings page show what is set and none of its secrets?"""

from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from service.ledger.engine import Ledger
from service.settings import Settings
from tests.web.console.conftest import NOW
from tests.web.console.stage import Visitor, console_app

# each stands in a place of its own, and none is part of a key or of a default
SECRETS = {
    "webhook": "whsec_" + "d2ViaG9va3dlYmhvb2t3ZWJob29rd2ViaG9vaw==",
    "old": "whsec_" + "b2xkb2xkb2xkb2xkb2xkb2xkb2xkb2xkb2xkb2xk",
    "link": "token0in0the0link",
    "redis": "redis0password",
    "people": "people0access0token",
    "signing": "SECpeople0signing",
    "mail": "mail0password",
    "database": "database0password",
    "api": "sk_live_api0key0api0key",
    "oidc": "oidc0client0secret",
}


def given(folder: Path) -> dict[str, Any]:
    """Settings with a secret wherever one can stand."""
    s = SECRETS
    hook = f"https://erp.example/in?token={s['link']}"
    return {
        "data_dir": str(folder),
        "database": {"url": f"postgresql://ledger:{s['database']}@db.example/ledger"},
        "accounts": {"shop": {"api_key": s["api"]}},
        "sinks": {
            "erp": {"type": "webhook", "url": hook, "secret": s["webhook"], "old_secret": s["old"]},
            "bus": {"type": "redis", "url": f"redis://:{s['redis']}@redis.example:6379/0"},
        },
        "people": {
            "desk": {
                "url": f"https://oapi.dingtalk.com/robot/send?access_token={s['people']}",
                "secret": s["signing"],
            }
        },
        "mail": {
            "url": f"smtps://ledger:{s['mail']}@mail.example:465",
            "sender": "ledger@shop.example",
        },
        "console": {
            "url": "https://ledger.example",
            "oidc": {
                "issuer": "https://login.example",
                "client_id": "pingledger",
                "client_secret": s["oidc"],
                "roles": {"all": "viewer"},
            },
        },
    }


def test_no_secret_that_is_set_stands_in_the_page(
    shop: tuple[Ledger, Settings], tmp_path: Path
) -> None:
    settings = Settings.model_validate(given(tmp_path), context={"folder": tmp_path})
    with TestClient(console_app(shop[0], settings, lambda: NOW, Visitor())) as client:
        for path in ("settings", "sinks", "accounts", "jobs"):
            answer = client.get(f"/console/{path}")
            assert answer.status_code == 200
            assert [name for name, one in SECRETS.items() if one in answer.text] == []
        shown = client.get("/console/settings").text
    keys = ("database.url", "accounts.shop.api_key", "sinks.erp.secret", "sinks.erp.old_secret",
            "sinks.bus.url", "people.desk.url", "people.desk.secret", "mail.url",
            "console.oidc.client_secret")  # fmt: skip
    assert [key for key in keys if f"<code>{key}</code>" not in shown] == []
    assert "https://ledger.example" in shown
