"""The firewall: a table of Potions' own, or the ports opened in the one that is there. Who is connected stays so."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

from potions.layout import SERVER
from potions.render.firewall import render_firewall
from potions.render.platform_units import FIREWALL_UNIT, render_firewall_unit
from potions.server import written
from potions.server.listeners import listeners
from potions.server.programs import answer_of, run
from potions.server.step import Say, Step

_OPEN = ("80/tcp", "443/tcp", "443/udp")
_DEFAULT_SSH = 22


def firewall_step(*, wanted: bool) -> Step:
    """What fits to what is there: ufw and firewalld keep being the only firewall; unwanted, Potions' own goes."""
    if not wanted:
        return Step("no firewall", _own_is_there, lambda _say: remove_own_firewall())
    if "Status: active" in answer_of("ufw", "status"):
        return Step("firewall (ufw)", _closed_in_ufw, _open_in_ufw)
    if answer_of("firewall-cmd", "--state").strip() == "running":
        return Step("firewall (firewalld)", _closed_in_firewalld, _open_in_firewalld)
    return Step("firewall", _own_differences, _make_own)


def ssh_ports() -> set[int]:
    """Every port that SSH may come in by: those it listens on, is set to, or is in use on right now."""
    found = {_DEFAULT_SSH, *_set_ports(), *_ports_in_use()}
    # "client-address client-port server-address server-port"; sudo takes it away, what is in use is seen anyway.
    words = os.environ.get("SSH_CONNECTION", "").split()
    return found | {int(word) for word in words[3:4] if word.isdigit()}


def _set_ports() -> Iterator[int]:
    for line in answer_of("sshd", "-T").splitlines():
        if found := re.fullmatch(r"port (\d+)", line.strip()):
            yield int(found[1])


def _ports_in_use() -> Iterator[int]:
    """Those of the SSH server itself. What its connections forward is none of the firewall's business."""
    for port, pid in listeners():
        with suppress(psutil.Error):
            if _is_ssh_server(pid):
                yield port


def _is_ssh_server(pid: int) -> bool:
    process = psutil.Process(pid)
    return process.name() == "sshd" and process.ppid() == 1


def _own_is_there() -> list[str]:
    is_there = (SERVER.units / FIREWALL_UNIT).exists()
    return ["Potions' own table of nftables, inet potions, is there and has to go"] if is_there else []


def remove_own_firewall() -> None:
    """Forget the table and its unit; other tables stay as they are."""
    answer_of("systemctl", "disable", "--now", FIREWALL_UNIT)
    for path in (SERVER.units / FIREWALL_UNIT, SERVER.firewall):
        path.unlink(missing_ok=True)
    answer_of("systemctl", "daemon-reload")


# A table of our own


def _files() -> dict[Path, str]:
    rules = render_firewall(ssh_ports())
    return {SERVER.firewall: rules, SERVER.units / FIREWALL_UNIT: render_firewall_unit(SERVER)}


def _own_differences() -> list[str]:
    found = written.differences(_files())
    if "table inet potions" not in answer_of("nft", "list", "table", "inet", "potions"):
        found.append("nftables has no table inet potions")
    if answer_of("systemctl", "is-enabled", FIREWALL_UNIT).strip() != "enabled":
        found.append(f"{FIREWALL_UNIT} does not start with the computer")
    return found


def _make_own(say: Say) -> None:
    files = _files()
    # Before it is put where every boot finds it.
    run(["nft", "--check", "--file", "-"], "nftables refuses the firewall's rules.", given=files[SERVER.firewall])
    written.write(files)
    ports = ", ".join(map(str, sorted(ssh_ports())))
    say(f"let in: SSH on {ports}, HTTP and HTTPS on 80 and 443; everything else that is new is dropped")
    run(["systemctl", "daemon-reload"], "systemd cannot read its units.")
    run(["systemctl", "enable", FIREWALL_UNIT], "The firewall cannot be enabled.")
    run(["systemctl", "restart", FIREWALL_UNIT], "The firewall cannot be started.")


# The ones of others


def _closed_in_ufw() -> list[str]:
    told = answer_of("ufw", "status")
    closed = [port for port in _OPEN if not re.search(rf"^{port}\s+ALLOW", told, re.MULTILINE)]
    return [*(f"ufw does not let {port} in" for port in closed), *_own_is_there()]


def _open_in_ufw(say: Say) -> None:
    say(f"ufw lets {', '.join(_OPEN)} in")
    for port in _OPEN:
        run(["ufw", "allow", port], f"ufw cannot open {port}.", do=f"See: ufw allow {port}")
    remove_own_firewall()


def _closed_in_firewalld() -> list[str]:
    told = answer_of("firewall-cmd", "--permanent", "--list-ports").split()
    return [*(f"firewalld does not let {port} in" for port in _OPEN if port not in told), *_own_is_there()]


def _open_in_firewalld(say: Say) -> None:
    say(f"firewalld lets {', '.join(_OPEN)} in")
    for port in _OPEN:
        run(["firewall-cmd", "--permanent", f"--add-port={port}"], f"firewalld cannot open {port}.")
    run(["firewall-cmd", "--reload"], "firewalld cannot be told of its new rules.")
    remove_own_firewall()
