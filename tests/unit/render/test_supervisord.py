"""supervisord reads back exactly what was meant, by its own parser."""

from __future__ import annotations

import json
import os
import shlex
import sys
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from supervisor.options import ServerOptions

from potions.errors import HomeRefused
from potions.layout import Colour, Home
from potions.model.service import PARTS, Account, Service, slot_service, task_service
from potions.render.spec import render_spec
from potions.render.supervisord import render_program, render_supervisord
from support.golden import check_golden, golden_cases

_NAMES = [
    "home",
    "my home",
    "my #1 home ; really",
    "100%",
    "%(here)x %s %%",
    "it's",
    'the "best"',
    "a\\b",
    "~",
    "$HOME",
]


def _service(home: Home, name: str = "gallery.blue", *, stop_timeout: float = 30.0, restart: bool = True) -> Service:
    tree = home.app("gallery")
    return Service(
        name=name,
        command="exec python3 -m gallery; echo '%d' # done",
        directory=tree.slot(Colour.BLUE),
        env_file=tree.env_file(Colour.BLUE),
        log_file=tree.output_log(Colour.BLUE),
        account=Account(name="deploy", uid=1001, gid=1002, switch=True),
        stop_timeout=stop_timeout,
        restart=restart,
        own_variables={"POTIONS_PROCESS": "web", "PORT": None},
    )


def _launcher(home: Home, name: str) -> list[str]:
    return ["/usr/bin/python3", "-I", "/opt/launcher.py", str(home.program(name).with_suffix(".json"))]


def _render_program(text: str) -> str:
    given = tomllib.loads(text)
    home = Home(Path(given.pop("home")))
    return render_program(_service(home, **given), _launcher(home, given["name"]))


def _render_main(text: str) -> str:
    given = tomllib.loads(text)
    agent = ["/usr/bin/python3", "-m", "potions", "agent"]
    home = Home(Path(given["home"]))
    dashboard = ["/usr/bin/python3", "-m", "potions.dashboard", given["home"]]
    return render_supervisord(
        home, caddy=["/bin/caddy", "run"], agent=agent, dashboard=dashboard, as_root=given["as_root"]
    )


@pytest.mark.parametrize("case", golden_cases("program"))
def test_a_program_is_rendered_as_its_golden_file_says(case: str) -> None:
    """One file a case."""
    check_golden("program", case, _render_program)


@pytest.mark.parametrize("case", golden_cases("supervisord"))
def test_the_main_file_is_rendered_as_its_golden_file_says(case: str) -> None:
    """One file a case."""
    check_golden("supervisord", case, _render_main)


def _make_home(root: Path) -> Home:
    home = Home(root)
    for folder in (home.programs, home.logs, home.caddy, home.app("gallery").logs):
        folder.mkdir(parents=True)
    return home


def _read_back(home: Home, programs: dict[str, str]) -> ServerOptions:
    """What supervisord itself makes of the files."""
    argv = ["/bin/caddy", "run", "--config", str(home.caddyfile)]
    agent = [sys.executable, "-m", "potions", str(home.root)]
    text = render_supervisord(home, caddy=argv, agent=agent, dashboard=agent, as_root=os.getuid() == 0)
    home.supervisor_config.write_text(text)
    for name, text in programs.items():
        home.program(name).write_text(text)
    options = ServerOptions()
    options.realize(["-c", str(home.supervisor_config)])
    return options


def _programs(options: ServerOptions) -> dict[str, Any]:
    groups = {group.name: group.process_configs for group in options.process_group_configs}
    assert all([process.name for process in processes] == [name] for name, processes in groups.items())
    return {name: processes[0] for name, processes in groups.items()}


@pytest.mark.parametrize("name", _NAMES)
def test_supervisord_reads_every_path_back_wherever_the_home_is(tmp_path: Path, name: str) -> None:
    """Spaces, comment signs, '%' and quotes in a path change nothing."""
    home = _make_home(tmp_path / name)
    service = _service(home)
    launcher = _launcher(home, service.name)
    options = _read_back(home, {service.name: render_program(service, launcher)})
    programs = _programs(options)
    assert set(programs) == {*PARTS, "gallery.blue"}
    assert shlex.split(programs["gallery.blue"].command) == launcher
    assert programs["gallery.blue"].stdout_logfile == str(service.log_file)
    assert shlex.split(programs["caddy"].command)[-1] == str(home.caddyfile)
    assert programs["caddy"].stdout_logfile == str(home.part_log("caddy"))
    assert options.configroot.supervisord.logfile == str(home.part_log("supervisord"))
    assert options.configroot.supervisord.pidfile == str(home.supervisor_pid)
    assert [server["file"] for server in options.configroot.supervisord.server_configs] == [str(home.supervisor_socket)]


@pytest.mark.parametrize("name", _NAMES)
def test_caddy_keeps_its_own_files_inside_the_home(tmp_path: Path, name: str) -> None:
    """Nothing goes to the home directory of the person who started Potions."""
    home = _make_home(tmp_path / name)
    words = shlex.split(_programs(_read_back(home, {}))["caddy"].command)
    folders = dict(word.split("=", 1) for word in words[1 : words.index("/bin/caddy")])
    assert folders == dict.fromkeys(("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"), str(home.caddy))


def test_a_slot_is_started_again_and_a_task_is_not(tmp_path: Path) -> None:
    """Both only when they are asked to, a slot without end; a task counts as started at once, however short it is."""
    home = _make_home(tmp_path / "home")
    names = [slot_service("gallery", Colour.BLUE), task_service("gallery", Colour.BLUE, "migrate")]
    services = [_service(home, name, restart=restart) for name, restart in zip(names, (True, False), strict=True)]
    texts = {service.name: render_program(service, _launcher(home, service.name)) for service in services}
    slot, task = (_programs(_read_back(home, texts))[name] for name in names)
    assert (slot.autostart, slot.startsecs, slot.startretries) == (False, 1, 10**9)
    assert (task.autostart, task.startsecs) == (False, 0)
    assert slot.autorestart
    assert not task.autorestart


@pytest.mark.parametrize(("seconds", "whole"), [(0.0, 0), (0.2, 1), (30.0, 30), (30.1, 31)])
def test_the_whole_group_is_stopped_and_gets_at_least_its_time(tmp_path: Path, seconds: float, whole: int) -> None:
    """supervisord counts whole seconds; a shell does not pass signals on, so the group gets them."""
    home = _make_home(tmp_path / "home")
    service = _service(home, stop_timeout=seconds)
    text = render_program(service, _launcher(home, service.name))
    program = _programs(_read_back(home, {service.name: text}))[service.name]
    assert (program.stopwaitsecs, program.stopasgroup, program.killasgroup) == (whole, True, True)


def test_the_agent_ends_first_and_caddy_before_the_apps(tmp_path: Path) -> None:
    """supervisord ends the highest priority first, so visitors are answered until nobody can ask any more."""
    home = _make_home(tmp_path / "home")
    service = _service(home)
    programs = _programs(_read_back(home, {service.name: render_program(service, _launcher(home, service.name))}))
    assert programs["agent"].priority > programs["caddy"].priority > programs[service.name].priority


def test_a_path_cannot_add_a_setting() -> None:
    """A newline in a path would be a line of the configuration."""
    with pytest.raises(HomeRefused):
        _render_program('home = "/srv/a\\nuser=root"\nname = "gallery.blue"')


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",))))
def test_the_spec_carries_any_command_and_nothing_else_does(command: str) -> None:
    """The launcher gets the command as it is; supervisord never sees it."""
    home = Home(Path("/srv/potions"))
    service = _service(home)
    spec = json.loads(render_spec(msgspec.structs.replace(service, command=command)))
    assert spec == {
        "command": command,
        "directory": "/srv/potions/apps/gallery/blue",
        "env_file": "/srv/potions/apps/gallery/.env.blue",
        "own_variables": {"POTIONS_PROCESS": "web", "PORT": None},
        "account": {"name": "deploy", "uid": 1001, "gid": 1002, "switch": True},
        "alone": False,
    }


def test_the_command_is_not_in_the_program() -> None:
    """supervisord would expand '%' in it and cut it at ';'."""
    home = Home(Path("/srv/potions"))
    assert "gallery; echo" not in render_program(_service(home), _launcher(home, "gallery.blue"))
