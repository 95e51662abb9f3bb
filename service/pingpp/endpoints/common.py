"""What is asked of no object in particular: a picture to be kept, a card's bank (L8-80)."""

from service.pingpp.endpoints.operation import (
    NOTHING_MADE,
    READING,
    Operation,
    Takes,
    Title,
    in_path,
    must,
)

OPERATIONS = (
    Operation(
        "upload_pic",
        "POST",
        ("/v1/apps/{app_id}/upload_pic",),
        Title("Upload a picture", "上传图片"),
        10,
        "picture",
        (in_path("app_id", 19), must("pic", Takes.BASE64, 20)),
        NOTHING_MADE,
    ),
    Operation(
        "card_bin",
        "POST",
        ("/v1/apps/{app_id}/card_bin",),
        Title("Find a card's bank", "识别银行卡"),
        47,
        "card",
        (in_path("app_id", 54), must("account", Takes.TEXT, 55, most=34)),
        READING,
    ),
)
