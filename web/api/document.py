"""The OpenAPI document: what the framework gathers from the operations, made whole."""

from __future__ import annotations

from http import HTTPStatus
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Final

from apiflask import APIBlueprint, APIFlask

from data.feeds.specs import FEEDS
from data.records import TokenScope
from web.addresses import LARGEST_ID
from web.api.feed_models import CSV, GZIP
from web.api.guard import SCHEME
from web.api.problems import INVALID, KINDS, MEDIA_TYPE, PLAIN

if TYPE_CHECKING:
    from flask.sansio.blueprints import Blueprint

TITLE: Final = "InSeason"
TAGS: Final = {
    "Alerts": "What customers will miss, what can still be done about it, and what people made of it.",
    "Decisions": "What was decided about an alert, and every step until the goods have arrived.",
    "Forecasts": "Expected demand at regular price, week by week, with its band and what it rests on.",
    "Calendar": "The selling windows and markdown steps in force.",
    "Requests": "What customers asked for and did not find.",
    "Feeds": "Files on their way in, and what came of them.",
}
ABOUT: Final = """\
What the pages of InSeason show and do, for programs, by the same rules: a token acts as the person who made
it, with that person's role, stores and categories as they are now.

* **Log-in**: `Authorization: Bearer inseason_…`. Tokens are made on the page *Tokens*, each for some scopes.
* **Money** is `{"amount": "1298.80", "currency": "USD"}`: a decimal with two digits, never a float.
* **Days** are ISO 8601 (`2026-07-05`), weeks are named by their first day, instants are UTC (`…Z`).
* **Lists** come in pages: follow `next` (also in the `Link` header) until it is null. What is added while you
  read does not disturb the pages.
* **Changes** name the `version` that you have read. Somebody else's change since then answers 409.
* **Errors** are problem details (RFC 9457); `type` tells programs what kind it is.
* **Unchanged answers**: send the `ETag` of an answer as `If-None-Match`, and 304 says that it still holds.
"""
# What any operation may answer, whatever it does.
_ALWAYS: Final = {
    HTTPStatus.UNAUTHORIZED: "No token, or one that does not work",
    HTTPStatus.FORBIDDEN: "The token or the role does not reach so far",
    HTTPStatus.UNPROCESSABLE_ENTITY: "Something in the request is wrong, or a rule forbids it",
    HTTPStatus.INTERNAL_SERVER_ERROR: "It is our fault, and it has been written down",
    HTTPStatus.SERVICE_UNAVAILABLE: "The records cannot be read or written at the moment",
}
_WITH_BODY: Final = {
    HTTPStatus.BAD_REQUEST: "The body cannot be read",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is too large",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "The body is of a kind that is not taken",
}
_MISSING: Final = "There is nothing here, or it belongs to a store or a category that is not yours"
_ETAG: Final = {"schema": {"type": "string"}, "description": "The fingerprint of the answer."}
_IF_NONE_MATCH: Final = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "schema": {"type": "string"},
    "description": "The ETag of an answer that you have.",
}
_FILE: Final = "business_date,store_id,sku,units\n2026-06-13,PHX-01,SWT-26-03-NAV-M,2\n"
_REF: Final = "#/components/schemas/"
_ANSWERS: Final = "#/components/responses/"


class DocumentedApp(APIFlask):
    """An app that serves the document of its API, and nothing else about itself."""

    def __init__(self, import_name: str) -> None:
        super().__init__(
            import_name,
            title=TITLE,
            version=_house_version(),
            spec_path="/api/openapi.json",
            # The page of the documents that comes with the framework is loaded from elsewhere.
            docs_path=None,
            json_errors=False,
        )
        _describe(self)

    def register_blueprint(self, blueprint: Blueprint, **options: Any) -> None:
        """Pages are no part of the API, and the framework asks every blueprint whether it is."""
        if not isinstance(blueprint, APIBlueprint):
            blueprint.enable_openapi = False  # type: ignore[attr-defined]  # as its own blueprints have it
        super().register_blueprint(blueprint, **options)


def _describe(app: APIFlask) -> None:
    app.config.update(
        OPENAPI_VERSION="3.1.0",
        AUTO_TAGS=True,
        # The address under which the first reader came would stay in the document for all others.
        AUTO_SERVERS=False,
        AUTO_200_RESPONSE=False,
        AUTO_404_RESPONSE=False,
        AUTO_VALIDATION_ERROR_RESPONSE=False,
        AUTO_AUTH_ERROR_RESPONSE=False,
        SECURITY_SCHEMES={SCHEME: _scheme()},
    )
    app.servers = [{"url": "/"}]
    app.description = ABOUT
    app.tags = [{"name": name, "description": told} for name, told in TAGS.items()]
    app.spec_processor(_whole)


def _house_version() -> str:
    """The version of the package, as it is installed."""
    try:
        return version("inseason")
    except PackageNotFoundError:
        return "0"


def _scheme() -> dict[str, Any]:
    scopes = ", ".join(f"`{scope}`" for scope in TokenScope)
    return {
        "type": "http",
        "scheme": "bearer",
        "description": f"A token made on the page *Tokens*. Its scopes are among {scopes}.",
    }


def _whole(spec: Any) -> Any:
    """The document with its parameters, problems, headers and examples told for every operation."""
    spec = _shared_once(spec)
    schemas = spec["components"]["schemas"]
    schemas.pop("HTTPError", None)
    examples = {
        name: {"value": schema.pop("examples")[0]} for name, schema in schemas.items() if "examples" in schema
    }
    schemas["Problem"] = _problem()
    for path, operations in spec["paths"].items():
        for method, operation in operations.items():
            _parameters(operation)
            if operation["operationId"] == "deliverFeed":
                _a_file(operation)
            _answers(operation, method, has_place="{" in path, examples=examples)
            if "requestBody" in operation:
                operation["requestBody"]["required"] = True
                _examples(operation["requestBody"], examples)
    usual = _ALWAYS | _WITH_BODY | {HTTPStatus.NOT_FOUND: _MISSING}
    spec["components"]["responses"] = {status.name: _refusal(status, told) for status, told in usual.items()}
    spec["components"]["examples"] = examples
    spec["components"]["schemas"] = {name: _plain(schema) for name, schema in sorted(schemas.items())}
    spec["paths"] = dict(sorted(spec["paths"].items()))
    return spec


def _shared_once(spec: Any) -> Any:
    """Name a model that stands within others by itself rather than once for each of them."""
    schemas = spec["components"].get("schemas", {})
    spec["components"]["schemas"] = {name.rpartition(".")[2]: schema for name, schema in schemas.items()}
    return _renamed(spec)


def _renamed(part: Any) -> Any:
    if isinstance(part, dict):
        return {
            name: _REF + value.removeprefix(_REF).rpartition(".")[2]
            if name == "$ref" and isinstance(value, str)
            else _renamed(value)
            for name, value in part.items()
        }
    return [_renamed(each) for each in part] if isinstance(part, list) else part


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """A model without the titles that repeat the names of its fields."""
    for told in schema.get("properties", {}).values():
        told.pop("title", None)
    return schema


def _a_file(operation: dict[str, Any]) -> None:
    """What the framework does not know: that a body is a file, and which feeds there are."""
    (kind,) = (each for each in operation["parameters"] if each["in"] == "path")
    kind["schema"] |= {"enum": list(FEEDS)}
    text = {"type": "string", "description": "The file, with a header line."}
    packed = {"type": "string", "format": "binary", "description": "The file, compressed."}
    operation["requestBody"] = {
        "content": {CSV: {"schema": text, "example": _FILE}, GZIP: {"schema": packed}}
    }


def _parameters(operation: dict[str, Any]) -> None:
    for parameter in operation["parameters"]:
        schema = parameter["schema"]
        schema.pop("title", None)
        if parameter["in"] == "header":
            parameter["name"] = parameter["name"].title()
        if parameter["in"] == "path":
            parameter["required"] = True
            if schema.get("type") == "integer":
                schema |= {"minimum": 0, "maximum": LARGEST_ID}
            parameter.setdefault("description", f"The {parameter['name'].replace('_', ' ')}.")
        if "anyOf" in schema:
            # Left out is left out: there is no way to write null into an address.
            (given,) = [each for each in schema.pop("anyOf") if each.get("type") != "null"]
            schema |= given
            schema.pop("default", None)
        if (told := schema.pop("description", None)) is not None:
            parameter["description"] = told


def _answers(operation: dict[str, Any], method: str, *, has_place: bool, examples: dict[str, Any]) -> None:
    told = operation["responses"]
    refusals = {str(int(status)): {"$ref": f"{_ANSWERS}{status.name}"} for status in _ALWAYS}
    if has_place:
        refusals["404"] = {"$ref": f"{_ANSWERS}{HTTPStatus.NOT_FOUND.name}"}
    if "requestBody" in operation:
        refusals |= {str(int(status)): {"$ref": f"{_ANSWERS}{status.name}"} for status in _WITH_BODY}
    if {"200", "201"} <= told.keys():
        told["200"]["content"] = told["201"]["content"]
    for status, each in told.items():
        if status >= "400":
            refusals[status] = _refusal(HTTPStatus(int(status)), each["description"])
        else:
            _examples(each, examples)
    if method == "get":
        operation["parameters"].append(_IF_NONE_MATCH)
        told["200"].setdefault("headers", {})["ETag"] = _ETAG
        told["304"] = {"description": "It is what the ETag was given for"}
    operation["responses"] = dict(sorted((told | refusals).items()))


def _refusal(status: HTTPStatus, text: str) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "description": text,
        "content": {MEDIA_TYPE: {"schema": {"$ref": f"{_REF}Problem"}, "example": _example_of(status)}},
    }
    if status is HTTPStatus.UNAUTHORIZED:
        told = {"schema": {"type": "string"}, "description": "How to log in."}
        answer["headers"] = {"WWW-Authenticate": told}
    return answer


def _examples(part: dict[str, Any], examples: dict[str, Any]) -> None:
    """Show the example of a model wherever the model is sent or answered."""
    for content in part.get("content", {}).values():
        name = str(content["schema"].get("$ref", "")).removeprefix(_REF)
        if name in examples:
            content["examples"] = {name: {"$ref": f"#/components/examples/{name}"}}


def _example_of(status: HTTPStatus) -> dict[str, Any]:
    kind = next((kind for kind in KINDS if kind.status is status), None)
    errors = []
    if status is INVALID.status:
        kind = INVALID
        errors = [{"location": "query", "name": "limit", "detail": "should be less than or equal to 200"}]
    title = kind.title if kind else status.phrase
    return {
        "type": kind.uri if kind else PLAIN,
        "title": title,
        "status": int(status),
        "detail": " ".join(f"{one['name']} {one['detail']}." for one in errors) or f"{title}.",
        "instance": "/api/v1/alerts",
        "errors": errors,
    }


def _problem() -> dict[str, Any]:
    """What every error looks like."""
    kinds = "; ".join(f"`{kind.uri}` ({int(kind.status)}): {kind.title.lower()}" for kind in KINDS)
    text = {"type": "string"}
    wrong = {
        "type": "object",
        "properties": {
            "location": {"type": "string", "enum": ["query", "body", "headers", "path"]},
            "name": text | {"description": "Of the parameter or field, with dots between levels."},
            "detail": text,
        },
        "required": ["location", "name", "detail"],
        "additionalProperties": False,
    }
    properties = {
        "type": text | {"format": "uri-reference", "description": f"The kind: {kinds}; else `{PLAIN}`."},
        "title": text | {"description": "The kind in words."},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": text | {"description": "What went wrong this time."},
        "instance": text | {"format": "uri-reference", "description": "The path that was asked for."},
        "errors": {"type": "array", "items": wrong, "description": "What exactly is wrong with the request."},
    }
    return {
        "type": "object",
        "title": "Problem",
        "description": "Problem details, RFC 9457.",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
