"""A home with the real programs in it one by one, without an agent: what the ports are tried against."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from potions.host.caddy import Caddy, PublicNames, no_public_names, wait_until_up
from potions.host.files import provision
from potions.host.programs import caddy_program, supervisord_program
from potions.host.supervisord import Supervisord
from potions.layout import Home
from potions.model.service import Account
from potions.render.supervisord import render_supervisord
from potions.settings import ServerSettings, Settings
from support.platform import free_port, wait_for

TOKEN = "a-one-time-token"


def app_account() -> Account:
    """Whom apps run as: ``nobody`` where the tests run as root, else whoever runs them."""
    own = pwd.getpwuid(os.geteuid())
    if own.pw_uid != 0:
        return Account(own.pw_name, own.pw_uid, own.pw_gid, switch=False)
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_name, nobody.pw_uid, nobody.pw_gid, switch=True)


@contextmanager
def bare_home() -> Iterator[Home]:
    """An empty home at a short path that the apps' user can enter; fails if something of it runs at the end."""
    folder = Path(tempfile.mkdtemp(prefix="pt-", dir="/tmp"))
    folder.chmod(0o755)
    home = Home(folder / "h")
    provision(home.entries(), app_account())
    try:
        yield home
        left = running_below(folder)
        for process in left:
            process.kill()
        assert not left, f"left running: {left}"
    finally:
        shutil.rmtree(folder)


def running_below(folder: Path) -> list[psutil.Process]:
    """The processes with the folder in their words or in an app's mark; what has ended does not count."""
    return [process for process in psutil.process_iter() if _is_of(process, str(folder))]


def _is_of(process: psutil.Process, folder: str) -> bool:
    try:
        words, marks = process.cmdline(), process.environ().get("POTIONS_DIR", "")
        return process.status() != psutil.STATUS_ZOMBIE and (any(folder in word for word in words) or folder in marks)
    except psutil.Error:
        return False


@contextmanager
def running_supervisord(home: Home) -> Iterator[Supervisord]:
    """The supervisord of a home, as the platform configures it; in place of its parts three that only wait."""
    waiting = ["/bin/sleep", "infinity"]
    text = render_supervisord(home, caddy=waiting, agent=waiting, dashboard=waiting, as_root=os.geteuid() == 0)
    home.supervisor_config.write_text(text)
    process = subprocess.Popen(
        [*supervisord_program(), "-n", "-c", str(home.supervisor_config)], stdout=subprocess.DEVNULL
    )
    supervisor = Supervisord(home)
    try:
        wait_for(supervisor.is_up, "supervisord answers")
        yield supervisor
        supervisor.shut_down()
        process.wait(60)
    finally:
        process.kill()
        process.wait()


def bare_settings(http_port: int | None = None, server: ServerSettings | None = None) -> Settings:
    """Settings of a home or a server, on a free port where none is named."""
    return Settings(
        http_port=http_port or free_port(),
        first_port=4000,
        epmd_port=free_port(),
        probe_token=TOKEN,
        app_user=app_account().name,
        search_path=os.defpath,
        server=server,
    )


@contextmanager
def running_caddy(
    home: Home,
    http_port: int | None = None,
    server: ServerSettings | None = None,
    public_names: PublicNames = no_public_names,
) -> Iterator[Caddy]:
    """The Caddy of a home or a server, on a free port where none is named."""
    caddy = Caddy(home, bare_settings(http_port, server), public_names)
    caddy.write_caddyfile()
    words = [caddy_program(), "run", "--adapter", "caddyfile", "--config", str(home.caddyfile)]
    process = subprocess.Popen(words, env=caddy.environment(), stderr=subprocess.DEVNULL)
    try:
        assert wait_until_up(caddy, 30)
        yield caddy
    finally:
        process.kill()
        process.wait()
