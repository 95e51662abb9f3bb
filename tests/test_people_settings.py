"""A channel of people that is set up wrongly is refused by its key; its address is not shown."""

from datetime import time
from pathlib import Path

import pytest

from service.core.errors import Misconfigured
from service.settings import Settings, load

GOOD = 'url = "https://hooks.example.com/SECRETTOKEN"\n'


def read(folder: Path, text: str) -> Settings:
    config = folder / "pingledger.toml"
    config.write_text(f"[people.ops]\n{text}", encoding="utf-8")
    return load(config, {})


def test_what_is_given_is_read(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("https://hooks.example.com/x\n")
    people = read(
        tmp_path,
        'url_file = "url"\nquiet = { warning = "22:00-08:30" }\ndigest = "09:05"\n'
        'link = "https://pay.example.com/console/"\nescalate_to = "chief"\n'
        '[people.chief]\nurl = "mailtos://a:b@smtp.example.com"\nlanguage = "en"\n',
    ).people
    ops = people["ops"]
    assert ops.url.get_secret_value() == "https://hooks.example.com/x"
    assert ops.quiet_spans == {"warning": (time(22), time(8, 30))}
    assert ops.digest_at == time(9, 5)
    assert ops.link == "https://pay.example.com/console"
    assert (ops.language, people["chief"].language, people["chief"].digest_at) == ("zh", "en", None)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('url = "SECRETTOKEN"', "people.ops.url"),
        ('url = "http://hooks.example.com/SECRETTOKEN"', "people.ops.url"),
        (GOOD + 'quiet = { warning = "22-8" }', "people.ops.quiet"),
        (GOOD + 'quiet = { warning = "08:00-08:00" }', "people.ops.quiet"),
        (GOOD + 'quiet = { grave = "22:00-08:00" }', "people.ops.quiet"),
        (GOOD + 'digest = "9:00"', "people.ops.digest"),
        (GOOD + 'language = "fr"', "people.ops.language"),
        (GOOD + 'severities = ["grave"]', "people.ops.severities"),
        (GOOD + 'link = "console"', "people.ops.link"),
        (GOOD + 'base = "http://example.com"', "people.ops.base"),
        (GOOD + "escalate_minutes = 5", "people.ops.escalate_to"),
        (GOOD + 'escalate_to = "nobody"', "people"),
        (GOOD + 'escalate_to = "ops"', "people"),
        (GOOD + 'accounts = ["shopp"]\n[accounts.shop]', "people.ops.accounts"),
        (
            GOOD + '[accounts.shop]\n[sinks.erp]\ntype = "jsonl"\npath = "x"\naccounts = ["shopp"]',
            "sinks.erp.accounts",
        ),
        (GOOD + "[heartbeat]\nurl = 'ftp:SECRETTOKEN'", "heartbeat.url"),
    ],
)
def test_what_is_wrong_is_said_by_its_key(tmp_path: Path, text: str, key: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        read(tmp_path, text)
    assert caught.value.key == key
    assert "SECRETTOKEN" not in str(caught.value)
