"""Lists the measured claims: every benchmark module, what it is for and how to run it."""

from __future__ import annotations

import ast
from pathlib import Path


def list_benchmarks(folder: Path = Path(__file__).parent) -> list[tuple[str, str, str]]:
    """Name, purpose (first line of the docstring) and usage line of each module, without importing any."""
    found = []
    for path in sorted(folder.glob("[!_]*.py")):
        docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        lines = docstring.splitlines() or [""]
        usage = next((line for line in lines if line.startswith("Usage:")), "")
        found.append(
            (path.stem, lines[0], usage.removeprefix("Usage:").strip() or f"python -m benchmarks.{path.stem}")
        )
    return found


def main() -> None:
    """Print the table."""
    benchmarks = list_benchmarks()
    width = max((len(name) for name, _, _ in benchmarks), default=0)
    for name, purpose, usage in benchmarks:
        print(f"{name:<{width}}  {purpose}\n{'':<{width}}  {usage}")


if __name__ == "__main__":
    main()
