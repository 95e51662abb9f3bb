"""Which words do the pages around signing in say, in both languages?"""

from collections.abc import Mapping

from starlette.requests import Request

from service.web.doors import Language

LANGUAGE_COOKIE = "pingledger_language"

WORDS: Mapping[str, tuple[str, str]] = {
    "sign_in": ("登录", "Sign in"),
    "name": ("用户名", "Name"),
    "password": ("密码", "Password"),
    "sign_in_with": ("使用统一身份登录", "Sign in with your organisation"),
    "sign_out": ("退出登录", "Sign out"),
    "change": ("修改密码", "Change password"),
    "must_change": (
        "这是一次性密码，请先设置自己的密码。",
        "This password was given out once: choose one of your own first.",
    ),
    "old": ("当前密码", "Present password"),
    "new": ("新密码", "New password"),
    "again": ("再次输入新密码", "New password again"),
    "advice": (
        "至少 12 个字符，建议 15 个以上；几个不相关的词就很好。不要求大小写或符号。",
        "At least 12 characters, better 15; a few unrelated words do well. Capitals and signs are"
        " not asked for.",
    ),
    "elsewhere": (
        "修改后，其他地方的登录都会立即退出。",
        "Wherever else you are signed in, you will be signed out at once.",
    ),
    "refused": ("用户名或密码不正确。", "The name or the password is not right."),
    "old_refused": ("当前密码不正确。", "The present password is not right."),
    "too_soon": (
        "失败次数过多，请在 {seconds} 秒后再试。",
        "Too many tries failed: try again in {seconds} s.",
    ),
    "busy": ("现在登录的人太多，请稍后再试。", "Too many sign in just now: try again in a moment."),
    "weak.long": ("密码过长。", "That is too long."),
    "weak.short": ("密码太短：至少 12 个字符。", "That is too short: at least 12 characters."),
    "weak.odd": ("密码中有无法输入的字符。", "It holds characters that cannot be typed."),
    "weak.same": (
        "密码重复过多，或与当前密码相同。",
        "It repeats itself, or is the present one.",
    ),
    "weak.common": (
        "密码太常见，或含有用户名：别人会先猜它。",
        "It is common, or holds your name: others would guess it first.",
    ),
    "differ": ("两次输入的新密码不一致。", "The two new passwords differ."),
    "no_password": (
        "您通过统一身份登录，密码不在这里。",
        "You sign in elsewhere: there is no password here.",
    ),
    "going_on": ("正在继续…", "Going on…"),
    "go_on": ("继续", "Go on"),
    "not_let_in": (
        "身份提供方没有让您进来，或您的账号没有角色。",
        "Your organisation did not let you in, or gave you no role here.",
    ),
    "400": ("请求有误。", "The request is not right."),
    "401": ("请先登录。", "Please sign in first."),
    "403": ("您不能这样做，或页面已过期。", "You may not do this, or the page is out of date."),
    "404": ("没有这个页面。", "There is no such page."),
    "405": ("不能这样请求此页面。", "This cannot be asked for in that way."),
    "413": ("内容太大。", "That is too large."),
    "415": ("此处不接收这种内容。", "Nothing of that kind is taken here."),
    "421": ("此地址不属于这里。", "This address is not served here."),
    "429": ("请求太多，请稍后再试。", "Too many requests: try again in a moment."),
    "500": ("出了问题，已记录。", "Something went wrong; it was written down."),
    "503": ("账本正忙，请稍后再试。", "The ledger is busy or away: try again in a moment."),
}


def say(language: Language, word: str) -> str:
    """One text in one of the languages."""
    zh, en = WORDS[word]
    return zh if language == "zh" else en


def language_of(request: Request, own: Language | None = None) -> Language:
    """The one chosen in this browser, else the person's own, else what the browser asks for."""
    chosen = request.cookies.get(LANGUAGE_COOKIE)
    if chosen in ("zh", "en"):
        return "zh" if chosen == "zh" else "en"
    if own is not None:
        return own
    return "en" if request.headers.get("accept-language", "").lower().startswith("en") else "zh"
