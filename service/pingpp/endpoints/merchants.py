"""What is asked about sub-merchants: their apps, applications and bank accounts (L320-678)."""

from service.pingpp.endpoints.operation import (
    READING,
    Operation,
    Param,
    Repeat,
    Takes,
    Title,
    in_path,
    may,
    must,
)

# L1828-1840
PRODUCTS = (
    "yeepay_wx_pub_qr",
    "yeepay_wx_pub",
    "yeepay_wx_pub_ofl",
    "yeepay_wx_lite",
    "yeepay_wx_lite_ofl",
    "yeepay_wx_pub_scan",
    "yeepay_wx_pub_scan_ofl",
    "yeepay_alipay_qr",
    "yeepay_alipay_lite",
    "yeepay_alipay_pub",
    "yeepay_alipay_scan",
    "yeepay_upacp_qr",
    "yeepay_upacp_scan",
)

_SIGN_TYPES = ("individual", "enterprise", "institution", "community")
_CERTIFICATES = (
    "id_card",
    "passport",
    "hm_visitorpass",
    "taiwan",
    "soldier",
    "officers",
    "overseas_card",
    "other",
)

_NEVER = Repeat(
    False,
    "L431, L562: an order_no is good for one sending, and no list finds its application again: "
    "ask the provider's dashboard",
    "第 431、562 行：不支持使用原订单号重试，也没有列表可查：请在 Ping++ 管理平台核实",
)
_NO_LIST = Repeat(
    False,
    "a second one would be another object, and no list shows the first: "
    "ask the provider's dashboard",
    "重复会产生另一个对象，且没有列表可查：请在 Ping++ 管理平台核实",
)

_TEXT, _COPY = Takes.TEXT, 255


def _legal_person(first: int, number: int, copy: int) -> tuple[Param, ...]:
    """The two sections give the same parameters in two orders (L452-456, L582-586)."""
    return (
        must("legal_person_id_card.type", _TEXT, first, words=_CERTIFICATES),
        must("legal_person_id_card.copy", _TEXT, copy, most=_COPY),
        must("legal_person_id_card.national", _TEXT, copy + 1, most=_COPY),
        must("legal_person_id_card.number", _TEXT, number, most=255),
        must("legal_person_id_card.name", _TEXT, first + 4, most=255),
    )


def _address(line: int) -> tuple[Param, ...]:
    return (
        must("merchant_address.province", _TEXT, line, most=16),
        must("merchant_address.city", _TEXT, line + 1, most=16),
        must("merchant_address.district", _TEXT, line + 2, most=16),
        must("merchant_address.address", _TEXT, line + 3, most=128),
    )


def _bank(line: int, types: tuple[str, ...]) -> tuple[Param, ...]:
    return (
        must("settle_account.account", _TEXT, line, least=6, most=34),
        must("settle_account.type", _TEXT, line + 1, words=types),
        must("settle_account.bank_code", _TEXT, line + 2, most=64),
    )


def _sharing(scene: int, products: int) -> tuple[Param, ...]:
    return (
        may("function_qualification.share_scene", _TEXT, scene, most=64),
        may("function_qualification.share_certificate", _TEXT, scene + 1, most=_COPY),
        may("products", Takes.WORDS, products, words=PRODUCTS),
    )


_MCH = (
    in_path("app_id", 440),
    must("user", Takes.ID, 441, most=64),
    must("order_no", _TEXT, 442, most=64),
    must("business_license.copy", _TEXT, 443, most=_COPY),
    must("business_license.number", _TEXT, 444, least=15, most=18),
    must("business_license.account_opening_license", _TEXT, 445, least=10, most=64),
    must("business_license.account_opening_license_copy", _TEXT, 446, most=_COPY),
    must("business_license.company_name", _TEXT, 448, least=2, most=64),
    must("business_license.short_name", _TEXT, 449, most=128),
    must("business_license.sign_type", _TEXT, 450, words=_SIGN_TYPES),
    may("business_license.hand_license", _TEXT, 451, most=_COPY),
    *_legal_person(452, number=455, copy=453),
    must("contact_id_card.number", _TEXT, 457, most=255),
    must("contact_id_card.name", _TEXT, 458, most=255),
    may("contact_id_card.person_name", _TEXT, 460, most=255),
    must("contact_id_card.mobile", _TEXT, 461, most=255),
    must("contact_id_card.email", _TEXT, 462, most=255),
    must("contact_id_card.service_phone", _TEXT, 463, most=255),
    *_address(464),
    *_bank(468, ("b2b", "b2c")),
    may("industry_category.primary_industry_category", _TEXT, 471, most=16),
    may("industry_category.secondary_industry_category", _TEXT, 472, most=16),
    may("industry_category.industry_qualification_copy", _TEXT, 473, most=_COPY),
    may("merchant_logo", _TEXT, 474),
    *_sharing(476, products=478),
)

_MICRO = (
    in_path("app_id", 571),
    must("user", Takes.ID, 572, most=64),
    must("order_no", _TEXT, 573, most=64),
    must("business_license.sign_name", _TEXT, 574, most=128),
    must("business_license.short_name", _TEXT, 575, most=128),
    *_address(576),
    *_legal_person(582, number=583, copy=584),
    must("legal_person_id_card.mobile", _TEXT, 587, most=255),
    *_bank(588, ("b2c",)),
    *_sharing(591, products=593),
)

OPERATIONS = (
    Operation(
        "sub_app.create",
        "POST",
        ("/v1/apps/{app_id}/sub_apps",),
        Title("Create a sub-merchant", "创建子商户"),
        322,
        "sub_app",
        (
            in_path("app_id", 331),
            must("display_name", _TEXT, 332, least=2, most=50),
            may("user", Takes.REF, 333),
            may("metadata", Takes.METADATA, 334),
            may("description", _TEXT, 335),
        ),
        _NO_LIST,
        names=("app_id", "display_name"),
    ),
    Operation(
        "sub_app.retrieve",
        "GET",
        ("/v1/apps/{app_id}/sub_apps/{sub_app_id}",),
        Title("Look up a sub-merchant", "查询子商户"),
        405,
        "sub_app",
        (in_path("app_id", 414), in_path("sub_app_id", 415)),
        READING,
    ),
    Operation(
        "mch_application.create",
        "POST",
        ("/v1/apps/{app_id}/mch_applications",),
        Title("Open an enterprise's account", "企业开户"),
        429,
        "mch_application",
        _MCH,
        _NEVER,
        names=("app_id", "order_no"),
    ),
    Operation(
        "mch_application.retrieve",
        "GET",
        ("/v1/apps/{app_id}/mch_applications/{mch_id}",),
        Title("Look up an enterprise's application", "查询企业开户"),
        531,
        "mch_application",
        (in_path("app_id", 542), in_path("mch_id", 543)),
        READING,
    ),
    Operation(
        "micro_application.create",
        "POST",
        ("/v1/apps/{app_id}/micro_applications",),
        Title("Open a micro-merchant's account", "小微企业开户"),
        559,
        "micro_application",
        _MICRO,
        _NEVER,
        names=("app_id", "order_no"),
    ),
    Operation(
        "micro_application.retrieve",
        "GET",
        ("/v1/apps/{app_id}/micro_applications/{mch_id}",),
        Title("Look up a micro-merchant's application", "查询小微企业开户"),
        595,
        "micro_application",
        (in_path("app_id", 604), in_path("mch_id", 605)),
        READING,
    ),
    Operation(
        "settle_account.create",
        "POST",
        ("/v1/apps/{app_id}/settle_accounts",),
        Title("Bind a sub-merchant's bank account", "企业/小微企业绑卡"),
        619,
        "settle_account",
        (
            in_path("app_id", 630),
            must("channel", _TEXT, 631, words=("bank_account",)),
            must("recipient.account", _TEXT, 632, most=34),
            must("recipient.type", _TEXT, 633, words=("b2b", "b2c")),
            may("recipient.open_bank", _TEXT, 634),
            may("recipient.open_bank_code", _TEXT, 635),
        ),
        _NO_LIST,
        names=("app_id", "recipient.account"),
    ),
)
