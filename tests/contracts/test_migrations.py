"""The history of the tables is one line, walks both ways, and depends on nothing that may change later."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from data.migrate import SCRIPTS

HISTORY = list(ScriptDirectory(str(SCRIPTS)).walk_revisions())


def tree(script):
    return ast.parse(Path(script.path).read_text())


def test_the_history_is_one_line():
    followed = [script.down_revision for script in HISTORY]

    assert followed == [script.revision for script in HISTORY[1:]] + [None]
    assert not any(script.is_branch_point or script.is_merge_point for script in HISTORY)


def test_no_migration_is_left_out_of_the_history():
    assert {Path(script.path).name for script in HISTORY} == {
        path.name for path in (SCRIPTS / "versions").glob("*.py")
    }


@pytest.mark.parametrize("script", HISTORY, ids=lambda script: script.revision)
def test_every_migration_goes_both_ways(script):
    functions = {node.name: node for node in tree(script).body if isinstance(node, ast.FunctionDef)}

    for name in ("upgrade", "downgrade"):
        assert not all(isinstance(statement, ast.Pass) for statement in functions[name].body)


@pytest.mark.parametrize("script", HISTORY, ids=lambda script: script.revision)
def test_no_migration_uses_the_models_of_a_later_day(script):
    imports = [node for node in ast.walk(tree(script)) if isinstance(node, (ast.Import, ast.ImportFrom))]
    modules = {node.module if isinstance(node, ast.ImportFrom) else node.names[0].name for node in imports}

    assert modules <= {"__future__", "sqlalchemy", "alembic"}
