"""A fake identity provider over real HTTP; each test may bend what it says."""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc import jwt
from joserfc.jwk import RSAKey


@dataclass
class FakeProvider:
    """What it will say next: claims of the identity, how it is signed, and what it was asked."""

    now: int
    port: int = 0
    claims: dict[str, Any] = field(default_factory=dict[str, Any])
    header: dict[str, Any] = field(default_factory=lambda: {"alg": "RS256", "kid": "k1"})
    document: dict[str, Any] = field(default_factory=dict[str, Any])
    status: int = 200
    challenge: str = ""
    nonce: str = ""
    codes: set[str] = field(default_factory=set[str])
    asked: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    # every path that somebody asked here for
    paths: list[str] = field(default_factory=list[str])
    redirect_uri: str = ""

    def __post_init__(self) -> None:
        self.key = RSAKey.import_key(rsa.generate_private_key(65537, 2048), {"kid": "k1"})
        # signs in its place: somebody else who knows the key's name
        self.forger: RSAKey | None = None

    def forge(self) -> None:
        """Sign with another key, and say in the token where to find it."""
        self.forger = RSAKey.import_key(rsa.generate_private_key(65537, 2048), {"kid": "k1"})
        jwk = self.forger.as_dict(private=False)
        self.header |= {"jku": f"{self.issuer}/forged", "x5u": f"{self.issuer}/forged", "jwk": jwk}

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def authorize(self, location: str) -> dict[str, str]:
        """As a browser that was sent here and signed in: what it brings back."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
        self.asked.append(asked)
        self.challenge, self.nonce = asked["code_challenge"], asked["nonce"]
        self.redirect_uri = asked["redirect_uri"]
        self.codes.add("c0de")
        return {"state": asked["state"], "code": "c0de"}

    def answer(self, path: str, form: dict[str, str]) -> tuple[int, Any]:
        self.paths.append(path)
        if self.status != 200:
            return self.status, {}
        if path == "/.well-known/openid-configuration":
            made = {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
            }
            return 200, made | self.document
        if path == "/keys":
            return 200, {"keys": [self.key.as_dict(private=False)]}
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        proved = base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == self.challenge
        proved = proved and form.get("redirect_uri") == self.redirect_uri
        if path != "/token" or not proved or form.get("code") not in self.codes:
            return 400, {"error": "invalid_grant"}
        self.codes.discard(form["code"])
        return 200, {"access_token": "a", "token_type": "Bearer", "id_token": self.identity()}

    def identity(self) -> str:
        claims = {
            "iss": self.issuer, "sub": "s-1", "aud": "pingledger", "nonce": self.nonce,
            "iat": self.now, "exp": self.now + 300, "groups": ["pay-viewers"],
            "preferred_username": "wang", "email": "wang@example.com", "email_verified": True,
        } | self.claims  # fmt: skip
        claims = {name: value for name, value in claims.items() if value is not None}
        if self.header["alg"] == "RS256":
            key = self.forger or self.key
            return jwt.encode(self.header, claims, key, algorithms=["RS256"])
        signed = ".".join(_part(json.dumps(part).encode()) for part in (self.header, claims))
        # with nothing, or with what everybody knows
        known = self.key.as_pem(private=False)
        proof = (
            hmac.digest(known, signed.encode(), "sha256") if self.header["alg"] != "none" else b""
        )
        return f"{signed}.{_part(proof)}"


def _part(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@contextmanager
def provider(now: int) -> Generator[FakeProvider]:
    fake = FakeProvider(now)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer({})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            self._answer({name: values[0] for name, values in parse_qs(body).items()})

        def _answer(self, form: dict[str, str]) -> None:
            status, made = fake.answer(self.path, form)
            body = json.dumps(made).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    fake.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
