"""The demo retailer as the real command makes, asks and serves it."""

from __future__ import annotations

import json
import re
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data.database import Database
from tests.ground.once import prepared_once, without_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMAND = Path(sys.executable).with_name("inseason")
LOGIN_LINE = re.compile(r"^  (\w+) +(\S+@\S+) +(\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class Demo:
    """The demo retailer in its folder; `told` is what the command said when it made it."""

    var: Path
    told: str

    def run(self, *arguments: str, **settings: str) -> str:
        """What a command prints."""
        return inseason(self.var, *arguments, **settings).stdout

    def alerts(self, *options: str) -> list[dict[str, Any]]:
        """The live alerts."""
        return list(json.loads(self.run("alerts", "--json", *options)))

    def copy(self, folder: Path) -> Demo:
        """The same retailer in another folder, to do things to."""
        return Demo(shutil.copytree(self.var, folder / "var"), self.told)

    @contextmanager
    def database(self) -> Iterator[Database]:
        database = Database(f"sqlite:///{self.var / 'inseason.db'}")
        yield database
        database.dispose()

    @property
    def logins(self) -> dict[str, tuple[str, str]]:
        """Address and password by role, as they were printed."""
        return {role: (email, password) for role, email, password in LOGIN_LINE.findall(self.told)}

    @contextmanager
    def served(self, **settings: str) -> Iterator[str]:
        """Serve it by the real command; gives the address that it prints."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        with subprocess.Popen(
            [COMMAND, "demo", "--port", str(port)],
            env=environment(self.var, **settings),
            stdout=subprocess.PIPE,
            text=True,
        ) as server:
            try:
                found = (re.search(r"http://\S+", line) for line in server.stdout or ())
                yield next(match[0] for match in found if match)
                server.send_signal(signal.SIGINT)
                assert server.wait(timeout=30) == 0
            finally:
                server.kill()


def environment(var: Path, **settings: str) -> dict[str, str]:
    """The environment of a command on that folder, with settings by their short names."""
    named = {f"INSEASON_{name.upper()}": value for name, value in settings.items()}
    return without_settings() | {"INSEASON_VAR": str(var)} | named


def inseason(
    var: Path, *arguments: str, check: bool = True, **settings: str
) -> subprocess.CompletedProcess[str]:
    answer = subprocess.run(
        [COMMAND, *arguments],
        env=environment(var, **settings),
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert "Traceback" not in answer.stderr
    if check:
        assert answer.returncode == 0, answer.stderr
    return answer


def made_once(run_folder: Path) -> Demo:
    """The demo retailer, made once in a test run; tests must only look at it."""
    folder = prepared_once(run_folder, "demo", made_in)
    return Demo(folder / "var", (folder / "told").read_text(encoding="utf-8"))


def made_in(folder: Path) -> Demo:
    """The demo retailer, made in a folder of its own."""
    told = inseason(folder / "var", "demo", "--no-serve").stdout
    (folder / "told").write_text(told, encoding="utf-8")
    return Demo(folder / "var", told)
