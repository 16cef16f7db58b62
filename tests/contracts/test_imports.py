"""The house has one staircase: imports go down it, and the command line starts without climbing it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from tests.ground.services import REPOSITORY

HEAVY = (
    "pandas",
    "numpy",
    "scipy",
    "statsmodels",
    "sqlalchemy",
    "alembic",
    "flask",
    "deltalake",
    "pyarrow",
    "altair",
)
ASK_FOR_HELP = f"""
import sys
from jobs.cli import main
main(["--help"], standalone_mode=False)
print("loaded:", *(name for name in {HEAVY!r} if name in sys.modules))
"""


def run_python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, check=False, cwd=REPOSITORY, timeout=60
    )


def test_imports_go_one_way():
    # In a process of its own: the tool puts the logging of the one it runs in out of order.
    answer = run_python(
        "-c", "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    )

    assert answer.returncode == os.EX_OK, answer.stdout


def test_help_loads_nothing_heavy():
    answer = run_python("-c", ASK_FOR_HELP)

    assert answer.stderr == ""
    assert answer.stdout.splitlines()[-1].strip() == "loaded:"


def test_the_numbers_load_only_when_they_are_asked_for():
    answer = run_python("-c", "import sys, forecaster; print('statsmodels' in sys.modules)")

    assert answer.stdout.strip() == "False"


def test_help_answers_before_anybody_loses_patience():
    def seconds() -> float:
        start = time.monotonic()
        subprocess.run(
            [Path(sys.executable).with_name("inseason"), "--help"], check=True, stdout=subprocess.DEVNULL
        )
        return time.monotonic() - start

    assert min(seconds() for _ in range(3)) < 2
