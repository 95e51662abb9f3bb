"""What is left of personal data when it is shown: by field, by pattern; in doubt nothing."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.masking import HIDDEN, mask, mask_body, mask_text, mask_told

CARD = "6222021234567890128"
IDENTITY = "11010119900307803X"


@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        ("cert_name", "张三丰", "张*"),
        ("user_name", "张三", "张*"),
        ("姓名", "张三", "张*"),
        ("cert_number", "410101199003078030", "4****************0"),
        ("cert_number", "4101************30", "4****************0"),
        ("cert_number", "******************", "******************"),
        ("card_number", CARD, "***************0128"),
        ("card_number", "6222***********128", "**************" + "*128"),
        ("account", CARD, "***************0128"),
        ("account", "anna@example.com", "a***@example.com"),
        ("account", "13012340000", "130****0000"),
        ("mobile", "13012340000", "130****0000"),
        ("mobile", "+8613012340000", "130****0000"),
        ("mobile", "12345", HIDDEN),
        ("email", "anna@example.com", "a***@example.com"),
        ("operation_url", "https://pay.example/t/abc", HIDDEN),
        ("card_url", "https://pay.example/t/abc", HIDDEN),
        ("credential", {"object": "credential", "wx": {"sign": "x"}}, HIDDEN),
        ("metadata", {"buyer": "Anna"}, HIDDEN),
        ("client_ip", "192.0.2.9", HIDDEN),
        ("telephone", 13012340000, "130****0000"),
        ("return_url", "https://shop.example/back?token=abc", "https://shop.example/***"),
    ],
)
def test_a_field_shows_what_may_be_shown_of_it(field: str, value: Any, shown: Any) -> None:
    assert mask({field: value}) == {field: shown}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", "1701611150302360654"),
        ("order_no", "410101199003078030"),
        ("user", "13012340000"),
        ("amount", 100_000_000),
        ("created", 1_700_000_000),
        ("bank_name", "招商银行"),
        ("channel", "alipay_qr"),
        ("failure_msg", "余额不足"),
        ("failure_msg", None),
        ("operation_url", None),
        ("operation_url", ""),
        ("metadata", {}),
        ("identified", True),
    ],
)
def test_what_is_not_personal_stays(field: str, value: Any) -> None:
    assert mask({field: value}) == {field: value}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"卡号{CARD}无效", "卡号***************0128无效"),
        ("卡号6222 0212 3456 7890 128无效", "卡号***************0128无效"),
        (f"证件{IDENTITY.lower()}已过期", "证件1****************X已过期"),
        ("old id 110101900307803 here", "old id 1*************3 here"),
        ("请致电13012340000", "请致电130****0000"),
        ("请致电130-1234-0000。", "请致电130****0000。"),
        ("请致电１３０１２３４００００", "请致电130****0000"),
        ("mail anna@example.com please", "mail a***@example.com please"),
        ("户名：张三丰不符", "户名：张*"),
        ("见https://u:p@pay.example/t/abc?x=1 。", "见https://pay.example/*** 。"),
        (f'{{"name":"张三","card":"{CARD}"}}', '{"name":"张*","card":"***************0128"}'),
        (f"13012340000 {IDENTITY}", HIDDEN),
        (f"欧阳娜娜，{IDENTITY}不符", "欧*，1****************X不符"),
        ("王小明(13012340000)", "王*(130****0000)"),
        ("13012340000 张三丰", "130****0000 张*"),
        (f"卡号 {CARD} 余额不足", "卡号 ***************0128 余额不足"),
        ("[E1] 余额不足 2026-01-02 12:30:00", "[E1] 余额不足 2026-01-02 12:30:00"),
    ],
)
def test_free_text_keeps_its_words(text: str, shown: str) -> None:
    assert mask_text(text) == shown


def test_free_text_does_not_say_what_a_field_hides() -> None:
    shown = mask(
        {
            "extra": {"user_name": "欧阳娜", "memo": "给欧阳娜", "note": "娜娜"},
            "credential": {"token": "t0k3n"},
            "failure_msg": "欧阳娜的账户异常 t0k3n",
        }
    )
    assert shown["failure_msg"] == "***的账户异常 ***"
    assert "欧阳娜" not in json.dumps(shown, ensure_ascii=False)
    assert "娜娜" not in json.dumps(shown, ensure_ascii=False)


def test_a_field_is_found_however_deep_it_lies() -> None:
    deep: Any = {"cert_name": "张三"}
    for _ in range(20):
        deep = {"data": [deep]}
    assert "张三" not in json.dumps(mask(deep), ensure_ascii=False)
    for _ in range(40):
        deep = {"data": [deep]}
    assert HIDDEN in json.dumps(mask(deep))


@pytest.mark.parametrize(
    "body",
    [
        f'{{"name":"张三","card_number":"{CARD}","metadata":{{"who":"Jo Doe"'.encode(),
        f"name=张三&card_number={CARD}&who=Jo Doe".encode(),
        b"name=%E5%BC%A0%E4%B8%89&who=Jo%20Doe",
        b'{"name":"\\u5f20\\u4e09","who":"Jo Doe',
        '"{\\"name\\":\\"张三\\",\\"who\\":\\"Jo Doe'.encode(),
        "\ufeff张三".encode(),
        b"\xff\xfe" + "张三".encode(),
    ],
)
def test_of_bytes_that_are_no_document_less_is_shown(body: bytes) -> None:
    shown = mask_body(body)
    for part in ("张", "三", "Doe", CARD, "%E5", "u5f20"):
        assert part not in shown


NUMBER = re.compile(r"(?<!\d)(?:1[3-9]\d{9}|\d{15}|\d{17}[\dXx])(?!\d)")


@given(st.text(st.sampled_from("0123456789 -xX张a,"), max_size=60))
def test_no_number_of_a_person_is_left_in_any_text(text: str) -> None:
    assert not NUMBER.search(mask_text(text))


@given(
    st.recursive(
        st.none() | st.text() | st.integers(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_any_document_can_be_masked_and_masking_again_finds_no_number(value: Any) -> None:
    assert not NUMBER.search(json.dumps(mask(value), ensure_ascii=False))


@given(st.binary(max_size=200))
def test_any_bytes_can_be_shown(body: bytes) -> None:
    assert isinstance(mask_body(body), str)


@pytest.mark.parametrize(
    "unit", ["1", "1 ", "a@", "a.", "a:", "http://", "张", '"a":', "\\u1234", "a ", "收款人：a "]
)
@pytest.mark.timeout(20)
def test_long_text_is_no_trap(unit: str) -> None:
    text = unit * 30_000
    assert mask_text(text)
    assert mask_body(text.encode())


def test_what_is_told_of_a_document_repeats_nothing_personal_of_it() -> None:
    asked = {"path": {"user": "cus_1"}, "body": {"cert_name": "欧阳娜娜", "amount": 12}}
    told = "cus_1：欧阳娜娜不存在，金额 12，卡号 " + CARD
    assert mask_told(told, asked) == f"cus_1：{HIDDEN}不存在，金额 12，卡号 {'*' * 15}0128"
    assert mask_told("余额不足", None) == "余额不足"
