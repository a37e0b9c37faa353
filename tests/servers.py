"""A real PostgreSQL for tests, from the programs that Debian installs; skipped where they are not there."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest


class PostgreSQL:
    """A server with an empty database, listening on a socket in its own folder and nowhere else."""

    def __enter__(self) -> PostgreSQL:
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
        program = str(found[-1]) if found else shutil.which("initdb")
        if program is None:
            pytest.skip("no PostgreSQL here: apt-get install postgresql")
        self.programs = Path(program).parent
        # PostgreSQL refuses to run as root; a socket's path must be short, so this is no tmp_path
        self.user = "postgres" if os.geteuid() == 0 else None
        self.folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
        if self.user:
            shutil.chown(self.folder, self.user)
        self.address = f"postgresql://postgres@/postgres?host={self.folder}"
        self._call("initdb", "-D", self.folder / "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync", "--locale=C.UTF-8")
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self) -> None:
        """Start the server and wait until it answers."""
        options = f"-k {self.folder} -c listen_addresses='' -c fsync=off"
        self._call("pg_ctl", "-D", self.folder / "data", "-o", options, "-l", self.folder / "log", "-w", "start")

    def stop(self) -> None:
        """Stop it at once, as when its machine fails."""
        self._call("pg_ctl", "-D", self.folder / "data", "-m", "immediate", "-w", "stop")

    def run(self, statements: str) -> None:
        """Run SQL as the owner of the database."""
        self._call("psql", "-q", "-v", "ON_ERROR_STOP=1", "-h", self.folder, "-U", "postgres", "-c", statements)

    def _call(self, program: str, *arguments: str | Path) -> None:
        # the server must not inherit pipes: whoever waits for their end would wait for the server
        with (self.folder / f"{program}.log").open("w+") as log:
            done = subprocess.run([self.programs / program, *map(str, arguments)], user=self.user, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", check=False)
            log.seek(0)
            assert done.returncode == 0, f"{program}: {log.read()}"
