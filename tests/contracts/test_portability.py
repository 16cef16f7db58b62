"""The project can be taken anywhere: no machine's paths, no index's address, every version pinned."""

from __future__ import annotations

import re
import tomllib

import pytest

from tests.ground.services import REPOSITORY

NOT_OURS = {".git", ".venv", "var", "build", "__pycache__", ".hypothesis"}
TEXTS = {
    ".py",
    ".md",
    ".toml",
    ".txt",
    ".mako",
    ".html",
    ".css",
    ".js",
    ".csv",
    ".cfg",
    ".yml",
    ".yaml",
    ".json",
}
# Put together from halves, so that this file passes its own test.
ELSEWHERE = {
    "the address of a package index": re.compile(
        "|".join(("py" + r"pi\.", "python" + "hosted", "ana" + "conda"))
    ),
    "an option that names a package index": re.compile("--(extra-)?index" + "-url|--find" + "-links"),
    "a path of one machine": re.compile(r"(?<![\w.])/" + r"(work|root|home/\w+|Users/\w+|tmp/w)" + "/"),
}


def our_files():
    for path in sorted(REPOSITORY.rglob("*")):
        parts = path.relative_to(REPOSITORY).parts
        ours = not NOT_OURS.intersection(parts) and not any(
            part.endswith(("_cache", ".egg-info")) for part in parts
        )
        if ours and path.is_file() and (path.suffix in TEXTS or path.name in {"Makefile", "run"}):
            yield path


def pinned() -> dict[str, str]:
    lines = (REPOSITORY / "constraints.txt").read_text().splitlines()
    return dict(line.split("==") for line in lines)


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("what", ELSEWHERE)
def test_no_file_holds(what):
    found = [
        f"{path.relative_to(REPOSITORY)}:{number}"
        for path in our_files()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if ELSEWHERE[what].search(line)
    ]

    assert found == []


def test_every_constraint_is_one_name_and_one_version():
    lines = (REPOSITORY / "constraints.txt").read_text().splitlines()

    assert [line for line in lines if not re.fullmatch(r"[\w.-]+==[\w.+!]+", line)] == []


def test_everything_the_project_asks_for_is_pinned():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    wanted = [
        *project["dependencies"],
        *(name for extra in project["optional-dependencies"].values() for name in extra),
    ]
    names = {plain(re.match(r"[\w.-]+", requirement)[0]) for requirement in wanted}

    assert names - {plain(name) for name in pinned()} == set()
