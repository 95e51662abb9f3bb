"""Which ways to pay there are (L1270, L1826-1840)."""

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
BALANCE = "balance"
CHANNELS = frozenset((*PRODUCTS, BALANCE))
