"""How does somebody come in whom another vouches for? Code flow with PKCE, state and nonce."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import httpx2
import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from service import telemetry
from service.core.errors import GiveUp, Misconfigured, TryLater
from service.ledger import audit, handshakes, users
from service.ledger.handshakes import Handshake
from service.ledger.users import User
from service.pingpp.deadline import DeadlineTransport
from service.settings import Console
from service.sockets import within
from service.web.access.cookies import Cookies, new_secret
from service.web.access.origin import safe_next
from service.web.access.page import page, reads
from service.web.access.porter import address_of
from service.web.access.words import say
from service.web.doors import Door
from service.work.admit import NAME_LIMIT, Admission, digest_of, new_user

RETURN = "/console/oidc/return"
# what an identity is signed with: no secret of ours, and never nothing
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
NAMES_ITSELF = "authorization_response_iss_parameter_supported"
ANSWER_BYTES = 1024 * 1024
SECONDS = 10.0
LEEWAY_SECONDS = 60

_log = telemetry.logger("oidc")
_reader = msgspec.json.Decoder(dict[str, Any])


class NotVouched(GiveUp):
    """The provider does not vouch for anybody in a way that we take; `why` is a fixed word."""

    def __init__(self, why: str) -> None:
        super().__init__(f"not vouched for: {why}")
        self.why = why


class Provider:
    """One OpenID provider: where it is sent to, what it answers, and whether that is true."""

    def __init__(self, console: Console) -> None:
        try:
            from authlib.oauth2 import rfc7636
            from joserfc import jwt
            from joserfc.jwk import KeySet
        except ImportError:
            raise Misconfigured(
                "console.oidc.issuer", "needs authlib: pip install 'pingledger[oidc]'"
            ) from None
        self._challenge: Callable[[str], str] = vars(rfc7636)["create_s256_code_challenge"]
        self._jwt: Any = jwt
        self._key_set: Any = KeySet
        self._oidc = console.oidc
        self._back = f"{console.url}{RETURN}"

    def address(self, state: str, nonce: str, verifier: str) -> str:
        """Where the browser is sent; raises TryLater when the provider is away."""
        given = {
            "response_type": "code",
            "client_id": self._oidc.client_id,
            "redirect_uri": self._back,
            "scope": " ".join(self._oidc.scopes),
            "state": state,
            "nonce": nonce,
            "code_challenge": self._challenge(verifier),
            "code_challenge_method": "S256",
        }
        place = httpx2.URL(_text(self._document(), "authorization_endpoint"))
        return str(place.copy_merge_params(given))

    def claims(
        self, given: Mapping[str, str], handshake: Handshake, now: datetime
    ) -> Mapping[str, Any]:
        """What the provider says of somebody, proved; raises NotVouched or TryLater.

        given: what the browser brought back; where it names an issuer, it must be this one (RFC
        9207), so that no other provider's answer is taken for its own.
        """
        code, document = _code(given), self._document()
        if "iss" in given or document.get(NAMES_ITSELF) is True:
            _same_issuer(given.get("iss"), self._oidc.issuer)
        secret = self._oidc.client_secret
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._back,
            "client_id": self._oidc.client_id,
            "code_verifier": handshake.verifier,
        }
        auth = (self._oidc.client_id, secret.get_secret_value()) if secret else None
        token = _fetch("POST", _text(document, "token_endpoint"), data=form, auth=auth)
        keys = _fetch("GET", _text(document, "jwks_uri"))
        return self._proved(str(token.get("id_token", "")), keys, handshake.nonce, now)

    def _document(self) -> Mapping[str, Any]:
        issuer = self._oidc.issuer
        found = _fetch("GET", f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        _same_issuer(found.get("issuer"), issuer)
        return found

    def _proved(
        self, token: str, keys: Mapping[str, Any], nonce: str, now: datetime
    ) -> Mapping[str, Any]:
        registry = self._jwt.JWTClaimsRegistry(
            now=int(now.timestamp()),
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": self._oidc.issuer},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        try:
            ring = self._key_set.import_key_set(keys)
            read = self._jwt.decode(token, ring, algorithms=list(ALGORITHMS))
            registry.validate(read.claims)
        except Exception as error:  # noqa: BLE001  whatever is wrong with it, nobody comes in
            raise NotVouched(type(error).__name__) from None
        claims: Mapping[str, Any] = read.claims
        if claims.get("aud") not in (self._oidc.client_id, [self._oidc.client_id]):
            raise NotVouched("audience")
        if claims.get("azp", self._oidc.client_id) != self._oidc.client_id:
            raise NotVouched("party")
        if self._oidc.verified_email and "email" in claims and not claims.get("email_verified"):
            raise NotVouched("email")
        return claims

    def roles(self, claims: Mapping[str, Any]) -> frozenset[str]:
        """Which roles the claim's words give; raises NotVouched when there is none."""
        words = _words(claims.get(self._oidc.claim))
        roles = frozenset(role for word, role in self._oidc.roles.items() if word in words)
        if not roles:
            raise NotVouched("role")
        return roles

    def accounts(self, claims: Mapping[str, Any]) -> frozenset[str] | None:
        """Whose accounts; None for all, where the settings name no claim."""
        if not self._oidc.accounts_claim:
            return None
        return frozenset(_words(claims.get(self._oidc.accounts_claim)))


class Vouching:
    """The doors of coming in by a provider."""

    def __init__(
        self,
        provider: Provider,
        admission: Admission,
        clock: Callable[[], datetime],
        cookies: Cookies,
    ) -> None:
        self._provider = provider
        self._admission = admission
        self._clock = clock
        self._cookies = cookies

    def doors(self) -> tuple[Door, ...]:
        """The table of them."""
        return (
            Door("/console/oidc/start", "GET", None, self.start, "access.oidc.start"),
            Door(RETURN, "GET", None, self.come_back, "access.oidc.return"),
        )

    def start(self, request: Request) -> Response:
        """Send the browser to the provider, and remember that we did."""
        state, nonce, verifier = new_secret(), new_secret(), new_secret()
        browser = self._cookies.secret(request.headers, self._cookies.visit) or new_secret()
        try:
            address = self._provider.address(state, nonce, verifier)
        except (NotVouched, TryLater) as error:
            return self._refused(request, error)
        begun = Handshake(
            digest_of(state),
            digest_of(browser),
            nonce,
            verifier,
            safe_next(request.query_params.get("next", "")),
            self._clock(),
        )
        with self._admission.ledger.begin() as connection:
            handshakes.begin(connection, begun)
        response = RedirectResponse(address, 303)
        self._cookies.greet(response, browser)
        return response

    def come_back(self, request: Request) -> Response:
        """Take somebody in who was sent by us, once, and comes back with the same browser."""
        now = self._clock()
        browser = self._cookies.secret(request.headers, self._cookies.visit) or ""
        given = request.query_params
        with self._admission.ledger.begin() as connection:
            state = digest_of(given.get("state", ""))
            begun = handshakes.take(connection, state, now=now)
        try:
            begun = _same(begun, browser)
            claims = self._provider.claims(given, begun, now)
            user = self._known(claims, now)
        except (NotVouched, TryLater) as error:
            return self._refused(request, error)
        address = address_of(request)
        secret = self._admission.admit(user.id, address=address, now=now)
        audit.note(
            self._admission.ledger, who=user.name, what="signed in elsewhere", why=address, now=now
        )
        # a redirect would still count as coming from elsewhere, and the cookie be kept back
        response = page(
            request, "message.html", "going_on",
            text=say(reads(request), "going_on"), onward=begun.after, sign_in=False,
        )  # fmt: skip
        self._cookies.sign_in(response, secret)
        return response

    def _known(self, claims: Mapping[str, Any], now: datetime) -> User:
        """The person of that issuer and subject, with the roles of today."""
        roles, accounts = self._provider.roles(claims), self._provider.accounts(claims)
        issuer, subject = str(claims["iss"]), str(claims["sub"])
        if not 0 < len(subject) <= 200:
            raise NotVouched("subject")
        with self._admission.ledger.begin() as connection:
            user = users.by_subject(connection, issuer, subject)
            if user is None:
                name = str(claims.get("preferred_username") or subject).casefold()[:NAME_LIMIT]
                if not name.isprintable() or users.by_name(connection, name) is not None:
                    name = f"oidc-{digest_of(issuer + subject)[:16]}"
                user = new_user(
                    name, roles, accounts, language="zh", now=now, issuer=issuer, subject=subject
                )
                users.add(connection, user)
            elif user.disabled_at is not None:
                raise NotVouched("disabled")
            elif (user.roles, user.accounts) != (roles, accounts):
                users.change(connection, user.id, roles=roles, accounts=accounts)
        return user

    def _refused(self, request: Request, error: NotVouched | TryLater) -> Response:
        """The page says that it did not work; the log says why."""
        is_away = isinstance(error, TryLater)
        _log.warning("oidc.refused", why="away" if is_away else error.why)
        text = say(reads(request), "503" if is_away else "not_let_in")
        status = 503 if is_away else 401
        return page(request, "message.html", "sign_in", status, text=text, sign_in=True)


def _same(begun: Handshake | None, browser: str) -> Handshake:
    if begun is None or begun.browser != digest_of(browser):
        raise NotVouched("state")
    return begun


def _same_issuer(given: object, issuer: str) -> None:
    if given != issuer:
        raise NotVouched("issuer")


def _code(given: Mapping[str, str]) -> str:
    if "error" in given or "code" not in given:
        raise NotVouched("declined")
    return given["code"]


def _fetch(method: str, url: str, **given: Any) -> Mapping[str, Any]:
    """One JSON object from the provider; no redirects, bounded in time and size."""
    try:
        with (
            within(SECONDS),
            httpx2.Client(
                transport=DeadlineTransport(connections=1),
                timeout=SECONDS,
                follow_redirects=False,
                trust_env=False,
            ) as client,
            client.stream(method, url, **given) as answer,
        ):
            body = b""
            for piece in answer.iter_bytes():
                body += piece
                if len(body) > ANSWER_BYTES:
                    raise NotVouched("too_large")
            status = answer.status_code
    except (httpx2.HTTPError, httpx2.InvalidURL):
        raise TryLater("the identity provider is away") from None
    if status >= 500:
        raise TryLater("the identity provider is away")
    return _object(body) if status == 200 else _declined()


def _declined() -> Mapping[str, Any]:
    raise NotVouched("declined")


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        return _reader.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise NotVouched("no_json") from None


def _text(document: Mapping[str, Any], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str):
        raise NotVouched("document")
    return value


def _words(value: Any) -> set[str]:
    """A claim of one word, of several parted by spaces, or a list."""
    if isinstance(value, str):
        return set(value.split())
    return {str(word) for word in value} if isinstance(value, list) else set()  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
