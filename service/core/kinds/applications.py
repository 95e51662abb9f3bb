"""What an application is: a person or a merchant asks for an account (L193-275, L433-611)."""

from service.core.kinds.kind import (
    COMMON_WORDS,
    DAY,
    HOUR,
    MINUTE,
    Field,
    Form,
    Kind,
    Looks,
    after_seconds,
)

# A person's is decided by machines, a merchant's by people, who rest at the weekend.
_PERSON_SECONDS = DAY
_MERCHANT_SECONDS = 7 * DAY

# Names, certificates and the numbers on them are not read.
_FACTS = (
    Field("app", Form.REF),
    Field("user_id", Form.REF, ("user",)),
    Field("order_no", Form.TEXT),
    Field("created", Form.TIME),
    # null on completed ones, too (facts §7 row 10)
    Field("time_finished", Form.TIME),
)
_MERCHANT_ATTRS = (
    Field("transaction_no", Form.TEXT),
    # the channel's number of the merchant, never the application's own id (facts §7 row 41)
    Field("mch_id", Form.TEXT),
    Field("failure_code", Form.TEXT),
)
_MERCHANT_LOOKS = Looks((10 * MINUTE, HOUR, 6 * HOUR))

CUS_APPLICATION = Kind(
    name="cus_application",
    wire=(("cus_application", None),),
    paths=("/v1/apps/{app}/cus_applications/{id}",),
    words=COMMON_WORDS,
    facts=_FACTS,
    attrs=(Field("transaction_no", Form.TEXT), Field("failure_code", Form.TEXT)),
    looks=Looks((MINUTE, 10 * MINUTE, HOUR, 6 * HOUR)),
    due=after_seconds(_PERSON_SECONDS),
)

MCH_APPLICATION = Kind(
    name="mch_application",
    wire=(("mch_application", None),),
    paths=("/v1/apps/{app}/mch_applications/{id}",),
    words=COMMON_WORDS,
    facts=_FACTS,
    attrs=_MERCHANT_ATTRS,
    looks=_MERCHANT_LOOKS,
    due=after_seconds(_MERCHANT_SECONDS),
)

MICRO_APPLICATION = Kind(
    name="micro_application",
    wire=(("micro_application", None),),
    # "the same as a merchant's" (L611): whether it calls itself one is not said (facts §6).
    also=frozenset({"mch_application"}),
    paths=("/v1/apps/{app}/micro_applications/{id}",),
    words=COMMON_WORDS,
    facts=_FACTS,
    attrs=_MERCHANT_ATTRS,
    looks=_MERCHANT_LOOKS,
    due=after_seconds(_MERCHANT_SECONDS),
)
