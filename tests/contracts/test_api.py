"""The API document tells every operation whole, its examples are true to it, and the manual says the same."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, get_args

import jsonschema
import pytest

from data.database import Database
from data.records import TokenScope
from data.records.tokens import GRANTABLE
from data.settings import load_settings
from forecaster.evidence import Evidence
from tests.ground.services import REPOSITORY
from web import create_app
from web.access import API
from web.api import models
from web.api.problems import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flask import Flask

STORED = REPOSITORY / "docs" / "reference" / "openapi.json"
MANUAL = REPOSITORY / "docs" / "reference" / "api.md"


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    database = Database(f"sqlite:///{tmp_path}/inseason.db")
    yield create_app(load_settings(var=tmp_path), database)
    database.dispose()


@pytest.fixture
def document(app: Flask) -> dict[str, Any]:
    answer = app.test_client().get("/api/openapi.json")
    assert answer.status_code == 200, answer.text
    return dict(answer.json)


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, told in document["paths"].items():
        for method, operation in told.items():
            yield method.upper(), path, operation


def whole(document: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    """A part of the document that may only name another one."""
    while "$ref" in part:
        found: Any = document
        for name in part["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        part = found
    return part


def validator(document: dict[str, Any], schema: dict[str, Any]) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(
        schema | {"components": document["components"]},
        format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER,
    )


def examples(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], Any]]:
    """Every example with its place and the schema that it is one of."""
    for name, example in document["components"]["examples"].items():
        yield name, {"$ref": f"#/components/schemas/{name}"}, example["value"]
    for method, path, operation in operations(document):
        bodies = [operation["requestBody"]] if "requestBody" in operation else []
        answers = [whole(document, answer) for answer in operation["responses"].values()]
        for part in bodies + answers:
            for content in part.get("content", {}).values():
                if "example" in content:
                    yield f"{method} {path}", content["schema"], content["example"]
                for example in content.get("examples", {}).values():
                    yield f"{method} {path}", content["schema"], whole(document, example)["value"]


def test_the_document_tells_every_operation_that_is_served_and_no_page(
    app: Flask, document: dict[str, Any]
) -> None:
    served = {
        (method, re.sub(r"<(?:int:)?(\w+)>", r"{\1}", rule.rule))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith(API) and rule.endpoint != "openapi.spec"
    }
    assert {(method, path) for method, path, _ in operations(document)} == served


def test_every_operation_is_told_whole(document: dict[str, Any]) -> None:
    tags = {tag["name"] for tag in document["tags"]}
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(names) == len(set(names))
    for method, path, operation in operations(document):
        place = f"{method} {path}"
        assert operation["summary"].endswith("."), place
        assert set(operation["tags"]) <= tags, place
        assert operation["tags"], place
        ((_, scopes),) = operation["security"][0].items()
        assert set(scopes) <= set(TokenScope), place
        assert {"401", "403", "422", "500", "503"} <= operation["responses"].keys(), place
        assert ("404" in operation["responses"]) >= ("{" in path), place
        assert ("requestBody" in operation) == (method == "POST"), place
        for parameter in operation["parameters"]:
            assert parameter["description"], (place, parameter["name"])
            assert parameter["schema"].get("type") or "$ref" in parameter["schema"], place
        for status, answer in operation["responses"].items():
            told = whole(document, answer)
            assert told["description"], (place, status)
            expected = {"application/problem+json"} if status >= "400" else {"application/json"}
            assert set(told.get("content", ())) == (set() if status == "304" else expected), (place, status)
            for content in told.get("content", {}).values():
                assert {"example", "examples"} & content.keys(), (place, status)


def test_every_operation_needs_a_scope_that_somebody_can_grant(app: Flask, document: dict[str, Any]) -> None:
    granted = {scope for scopes in GRANTABLE.values() for scope in scopes}
    needed = {view.needs for view in app.view_functions.values() if hasattr(view, "needs")}
    assert needed == granted == set(TokenScope)
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith(API) and rule.endpoint != "openapi.spec":
            assert hasattr(app.view_functions[rule.endpoint], "needs"), rule


def test_what_changes_something_takes_posts_only_and_a_scope_to_change(document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        (scope,) = operation["security"][0]["token"]
        assert method in ("GET", "POST"), path
        assert scope.endswith("write") or method == "GET", path


def test_every_name_in_the_document_stands_for_something(document: dict[str, Any]) -> None:
    text = json.dumps(document)
    named = set(re.findall(r'"\$ref": "#/components/(\w+)/(\w+)"', text))
    there = {
        (kind, name) for kind in ("schemas", "responses", "examples") for name in document["components"][kind]
    }
    assert named == there


def test_every_model_forbids_what_it_does_not_name(document: dict[str, Any]) -> None:
    for name, schema in document["components"]["schemas"].items():
        if schema["type"] == "object":
            assert schema["additionalProperties"] is False, name
            assert schema["description"], name


def test_every_example_is_what_the_document_says(document: dict[str, Any]) -> None:
    found = list(examples(document))
    assert len(found) > 100
    for place, schema, example in found:
        errors = [error.message for error in validator(document, schema).iter_errors(example)]
        assert errors == [], place


def test_every_schema_is_one(document: dict[str, Any]) -> None:
    for schema in document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


def test_every_kind_of_problem_is_told(document: dict[str, Any]) -> None:
    told = document["components"]["schemas"]["Problem"]["properties"]["type"]["description"]
    manual = MANUAL.read_text(encoding="utf-8")
    for kind in KINDS:
        assert kind.uri in told
        assert f"| `{kind.uri}` | {int(kind.status)} |" in manual


def test_what_a_forecast_rests_on_has_the_forecasters_labels() -> None:
    assert set(get_args(models.Evidence)) == set(Evidence)


def test_the_stored_document_is_the_one_that_is_served(document: dict[str, Any]) -> None:
    served = json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    assert STORED.read_text(encoding="utf-8") == served, (
        "the API has changed; if that was meant: "
        "curl -s http://127.0.0.1:8000/api/openapi.json | python -c 'import json, sys; print(json.dumps("
        "json.load(sys.stdin), indent=1, sort_keys=True, ensure_ascii=False))' > docs/reference/openapi.json"
    )


def test_the_manual_tells_every_operation_with_its_scope_and_no_other(document: dict[str, Any]) -> None:
    told = set(re.findall(r"^\| `(GET|POST) (/\S+)` \| `([\w:]+)` \|", MANUAL.read_text(), re.MULTILINE))
    assert told == {
        (method, path.removeprefix("/api/v1"), *operation["security"][0]["token"])
        for method, path, operation in operations(document)
    }


def test_the_manual_tells_what_each_role_may_grant() -> None:
    rows = re.findall(
        r"^\| `(\w+:\w+)` \| ([^|]*) \| ([^|]*) \| ([^|]*) \|", MANUAL.read_text(), re.MULTILINE
    )
    told = {scope: tuple(cell.strip() == "yes" for cell in cells) for scope, *cells in rows}
    assert told == {str(scope): tuple(scope in GRANTABLE[role] for role in GRANTABLE) for scope in TokenScope}
