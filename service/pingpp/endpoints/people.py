"""What is asked about users: who they are, their wallet, their cards (L82-317)."""

from service.pingpp.endpoints.operation import (
    NOTHING_MADE,
    READING,
    Operation,
    Repeat,
    Takes,
    Title,
    in_path,
    may,
    must,
)

_SAME_USER = Repeat(True, "the same id is the same user", "用户 ID 相同即为同一用户")
_SAME_NUMBER = Repeat(
    True,
    "L194: with the same order_no and the same facts, as often as needed",
    "第 194 行：信息不变、order_no 不变，可以原单重试",
)

# L281 says five minutes, L307 fifteen: the shorter one is told (facts §7 row 39).
CARD_PAGE_SECONDS = 5 * 60

OPERATIONS = (
    Operation(
        "user.create",
        "POST",
        ("/v1/apps/{app_id}/users",),
        Title("Create a user", "创建用户"),
        84,
        "user",
        (
            in_path("app_id", 93),
            must("id", Takes.WORD, 94, most=64),
            may("address", Takes.TEXT, 95),
            may("avatar", Takes.TEXT, 96),
            may("email", Takes.TEXT, 97),
            may("gender", Takes.TEXT, 98, words=("MALE", "FEMALE")),
            may("mobile", Takes.TEXT, 99),
            may("name", Takes.TEXT, 100),
            may("metadata", Takes.METADATA, 101),
        ),
        _SAME_USER,
        names=("app_id", "id"),
    ),
    Operation(
        "user.retrieve",
        "GET",
        ("/v1/apps/{app_id}/users/{user_id}",),
        Title("Look up a user", "查询用户"),
        164,
        "user",
        (in_path("app_id", 175), in_path("user_id", 176)),
        READING,
    ),
    Operation(
        "cus_application.create",
        "POST",
        ("/v1/apps/{app_id}/cus_applications",),
        Title("Open a person's wallet", "个人用户开户"),
        192,
        "cus_application",
        (
            in_path("app_id", 203),
            must("user", Takes.ID, 204),
            must("order_no", Takes.TEXT, 205),
            must("cert_type", Takes.TEXT, 206),
            must("cert_name", Takes.TEXT, 207),
            must("cert_number", Takes.TEXT, 208),
            must("mobile", Takes.TEXT, 209),
        ),
        _SAME_NUMBER,
        names=("app_id", "order_no"),
    ),
    Operation(
        "cus_application.retrieve",
        "GET",
        ("/v1/apps/{app_id}/cus_applications/{cus_id}",),
        Title("Look up a person's application", "查询个人用户开户"),
        255,
        "cus_application",
        (in_path("app_id", 264), in_path("cus_id", 265)),
        READING,
    ),
    Operation(
        "user.settle_accounts",
        "POST",
        ("/v1/apps/{app_id}/users/{user_id}/settle_accounts",),
        Title("Get the page where a person binds cards", "个人用户绑卡"),
        279,
        "card_page",
        (in_path("app_id", 290), in_path("user_id", 291), must("return_url", Takes.TEXT, 292)),
        NOTHING_MADE,
        page_seconds=CARD_PAGE_SECONDS,
    ),
)
