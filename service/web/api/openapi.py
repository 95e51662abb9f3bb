"""What is the API's document? Written from the one table of endpoints (OpenAPI 3.1)."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from service.web.api.ask import Endpoint
from service.web.api.scopes import scopes_for
from service.web.api.views import Problem

PATH = "/api/v1/openapi.json"
_REFUSALS: Mapping[int, str] = {
    400: "A parameter or the body is not right; `field` says which.",
    401: "No token, or one that is no longer good.",
    403: "The token has not the scope.",
    404: "There is no such thing, or it is not of the token's accounts.",
    405: "Not with this method.",
    409: "Its state does not allow it, or the same key is being worked just now.",
    413: "The body is too large.",
    415: "The body is not application/json.",
    421: "The Host is not ours.",
    422: "The Idempotency-Key was used for something else.",
    500: "Something went wrong; it was written down.",
    503: "The ledger is busy or away: try again.",
}
_READING = (400, 401, 403, 404, 405, 421, 500, 503)
_IDEMPOTENCY: Mapping[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key within a day gives the same answer and does nothing twice.",
    "schema": {"type": "string", "pattern": "^[!-~]{1,200}$"},
}


def document(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """The whole document."""
    types = [
        Problem,
        *(one.view for one in endpoints if one.view),
        *(one.body for one in endpoints if one.body),
    ]
    schemas, components = msgspec.json.schema_components(
        types, ref_template="#/components/schemas/{name}"
    )
    known = {repr(kind): schema for kind, schema in zip(types, schemas, strict=True)}
    paths: dict[str, dict[str, Any]] = {}
    for one in endpoints:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one, known)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "pingledger",
            "version": "1",
            "description": "Ids are text, money is an integer of the minor unit (fen),"
            " instants are RFC 3339. Nothing here shows personal data.",
        },
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}],
    }


def _operation(one: Endpoint, known: Mapping[str, Any]) -> dict[str, Any]:
    scopes = scopes_for(one.role, one.scope)
    made: dict[str, Any] = {
        "operationId": one.name,
        "summary": one.about,
        "description": f"Scope: {', '.join(scopes)}.",
        "parameters": [_param(param) for param in one.params],
        "responses": {str(one.status): _answer(one, known)},
    }
    statuses = [*_READING, 413, 415] if one.method == "POST" else [*_READING]
    if one.method == "POST":
        statuses += [409, 422]
        made["parameters"].append(dict(_IDEMPOTENCY))
    elif not one.media:
        made["parameters"].append(_none_match())
        made["responses"]["304"] = {"description": "It is what If-None-Match names."}
    if one.body is not None:
        content = {"application/json": {"schema": known[repr(one.body)]}}
        made["requestBody"] = {"required": True, "content": content}
    for status in sorted(statuses):
        made["responses"][str(status)] = {
            "description": _REFUSALS[status],
            "content": {"application/problem+json": {"schema": known[repr(Problem)]}},
        }
    return made


def _answer(one: Endpoint, known: Mapping[str, Any]) -> dict[str, Any]:
    if one.media:
        file: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
        return {
            "description": "The file.",
            "headers": {"Content-Disposition": {"schema": {"type": "string"}, "required": True}},
            "content": dict.fromkeys(one.media, file),
        }
    made: dict[str, Any] = {
        "description": one.about,
        "content": {"application/json": {"schema": known[repr(one.view)]}},
    }
    if one.method == "GET":
        made["headers"] = {"ETag": {"schema": {"type": "string"}, "required": True}}
    return made


def _param(param: Any) -> dict[str, Any]:
    return {
        "name": param.name,
        "in": param.where,
        "required": param.where == "path",
        "description": param.about,
        "schema": param.schema(),
    }


def _none_match() -> dict[str, Any]:
    return {
        "name": "If-None-Match",
        "in": "header",
        "required": False,
        "description": "An ETag that is known already.",
        "schema": {"type": "string"},
    }
