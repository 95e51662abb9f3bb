"""Where is the console, how long does a sign-in last, and who else may vouch for people?"""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from service.settings.table import Secret, Table, wrong
from service.settings.values import (
    FilePath,
    Flag,
    Real,
    Whole,
    Words,
    check_console_url,
    check_issuer,
    check_place,
)

RoleWord = Literal["viewer", "operator", "finance", "admin"]


class Oidc(Table):
    """An OpenID provider. issuer: exactly as it writes itself; empty: none.

    roles: which word of the claim `claim` gives which role; without one nobody comes in.
    accounts_claim: whose words are the accounts somebody may see; empty: all of them.
    """

    issuer: Annotated[str, AfterValidator(check_issuer)] = ""
    client_id: str = Field(default="", max_length=200)
    client_secret: Secret | None = None
    client_secret_file: FilePath | None = None
    scopes: Words = ("openid", "profile", "email")
    claim: str = Field(default="groups", min_length=1, max_length=100)
    roles: Mapping[str, RoleWord] = Field(default_factory=dict[str, RoleWord])
    accounts_claim: str = Field(default="", max_length=100)
    verified_email: Flag = True

    @model_validator(mode="after")
    def _check_whole(self) -> "Oidc":
        if self.issuer and not self.client_id:
            raise wrong("client_id", "is missing")
        if self.issuer and not self.roles:
            raise wrong("roles", "is missing: nobody could come in")
        return self


class Console(Table):
    """enabled: None stands for true where it would be on loopback only.

    listen: HOST:PORT of its own; empty: with the receiver. url: as browsers see it; with https://
    cookies are kept to it, and with either no other Host is answered. upload_bytes, upload_seconds:
    of a statement that somebody signed in sends, over whatever line.
    """

    enabled: Flag | None = None
    listen: Annotated[str, AfterValidator(check_place)] = ""
    url: Annotated[str, AfterValidator(check_console_url)] = ""
    idle_minutes: Real = Field(default=30.0, ge=1, le=1_440)
    session_hours: Real = Field(default=12.0, ge=0.25, le=168)
    upload_bytes: Whole = Field(default=200 * 2**20, ge=2**20, le=2**31)
    upload_seconds: Real = Field(default=600.0, ge=15, le=7_200)
    oidc: Oidc = Oidc()

    @model_validator(mode="after")
    def _check_way_back(self) -> "Console":
        if self.oidc.issuer and not self.url:
            raise wrong("url", "is missing: the provider must know the way back")
        return self
