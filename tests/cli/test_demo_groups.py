"""The demo's DingTalk, Feishu and mail server take what the daemon tells, and check signatures."""

import io
import tomllib
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from pydantic import SecretStr
from rich.console import Console

from service.cli.demo import groups
from service.outbound.people.note import Note
from service.outbound.people.opening import open_channel
from service.outbound.sink import Later, Sent
from service.settings import load
from tests.conftest import put_vault_key

NOTE = Note("news", "critical", "[pingledger] 对账提醒：新增 1", "\n".join("abcdefghij"))


def test_each_of_the_three_shows_what_it_got(tmp_path: Path) -> None:
    put_vault_key(tmp_path)
    config = tmp_path / "pingledger.toml"
    config.write_text('data_dir = "."\n', encoding="utf-8")
    screen = io.StringIO()
    with groups.reading() as (arrived, base, port):
        groups.add_config(config, arrived, base, port)
        people = load(config, {}).people
        for name, given in people.items():
            with closing(open_channel(name, given, clock=lambda: datetime.now(UTC))) as channel:
                assert channel.tell(NOTE) == Sent()
        wrong = people["ding"].model_copy(update={"secret": SecretStr("SECother")})
        with closing(open_channel("ding", wrong, clock=lambda: datetime.now(UTC))) as channel:
            assert channel.tell(NOTE) == Later("errcode 310000")
        arrived.wait()
        groups.show(Console(file=screen, width=100), arrived)
    assert [len(texts) for texts in arrived.texts.values()] == [1, 1, 1]
    assert arrived.refused == 1
    shown = screen.getvalue()
    assert shown.count(NOTE.title) == 3
    assert "  …" in shown
    assert tomllib.loads(config.read_text("utf-8"))["people"].keys() == {"ding", "feishu", "mail"}
