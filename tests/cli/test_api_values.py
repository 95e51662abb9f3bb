"""What a command line says of a request is understood in one way, or not at all."""

import base64
import io
import sys
from pathlib import Path
from typing import Any

import pytest

from service.cli.api.values import FILE_BYTES_LIMIT, read_values
from service.cli.exits import Usage
from service.pingpp.endpoints import OPERATIONS


def read(operation: str, *arguments: str) -> dict[str, Any]:
    return read_values(OPERATIONS[operation], arguments)


def test_values_are_typed_and_nested_as_their_parameters_are() -> None:
    assert read(
        "order.create",
        "amount=100",
        "merchant_order_no=0012",
        "allocation=true",
        "subject=1=2",
        'metadata:={"shop": 7}',
    ) == {
        "amount": 100,
        "merchant_order_no": "0012",
        "allocation": True,
        "subject": "1=2",
        "metadata": {"shop": 7},
    }


def test_lists_are_given_by_their_places() -> None:
    assert read(
        "allocation.create",
        "recipients[0].user=u1",
        "recipients[0].amount=1",
        "recipients[1].user=u2",
        "recipients[1].amount=2",
    ) == {"recipients": [{"user": "u1", "amount": 1}, {"user": "u2", "amount": 2}]}
    assert read("mch_application.create", "products=yeepay_wx_pub,yeepay_wx_lite") == {
        "products": ["yeepay_wx_pub", "yeepay_wx_lite"]
    }


def test_the_documents_brackets_are_taken() -> None:
    assert read("deposit.create", "extra[return_url]=https://a") == {
        "extra": {"return_url": "https://a"}
    }
    assert read("order.list", "created[gte]=7") == {"created": {"gte": 7}}


def test_what_does_not_fit_stays_as_it_is_for_the_check() -> None:
    assert read("order.create", "amount=1.5", "allocation=yes", "nope=1") == {
        "amount": "1.5",
        "allocation": "yes",
        "nope": "1",
    }


def test_files_and_stdin_give_their_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture, text = tmp_path / "a.jpg", tmp_path / "a.json"
    picture.write_bytes(b"\xff\xd8\xff")
    text.write_text('{"a": 1}\n')
    assert read("upload_pic", f"pic=@{picture}") == {
        "pic": base64.b64encode(b"\xff\xd8\xff").decode()
    }
    assert read("user.create", f"metadata:=@{text}") == {"metadata": {"a": 1}}
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("张三\n".encode())))
    assert read("user.create", "name=@-") == {"name": "张三"}


@pytest.mark.parametrize(
    "arguments",
    [
        ("amount",),
        ("=1",),
        ("a b=1",),
        ("amount=1", "amount=2"),
        ("extra=1", "extra.return_url=a"),
        ("extra.return_url=a", "extra=1"),
        ("extra.return_url=a", "extra[0]=1"),
        ("recipients[1].user=a",),
        ("recipients[0]=a", "recipients[0]=b"),
        ("recipients[1000].user=a",),
        ("recipients[0].[1]=a",),
        ("a.b.c.d.e.f.g.h.i=1",),
        ("metadata:={",),
        ("metadata:=NaN",),
        ("metadata:=" + "[" * 100_000,),
        ("pic=@nowhere.jpg",),
        ("pic=@\0",),
        ("pic=@.",),
        ("x" * 200 + "=1",),
        ("a=1",) * 2_000,
    ],
)
def test_what_cannot_be_understood_is_refused(
    arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Usage):
        read("deposit.create", *arguments)


def test_a_file_that_is_too_large_or_no_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x" * (FILE_BYTES_LIMIT + 1))
    with pytest.raises(Usage, match="larger than"):
        read("upload_pic", f"pic=@{file}")
    file.write_bytes(b"\xff")
    with pytest.raises(Usage, match="not UTF-8"):
        read("user.create", f"name=@{file}")


def test_a_mistake_never_quotes_the_value() -> None:
    with pytest.raises(Usage) as caught:
        read("cus_application.create", "cert_number:=420381199206062220x")
    assert "4203" not in str(caught.value)
