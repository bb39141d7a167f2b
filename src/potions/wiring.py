"""Puts the agent together: the only module that picks what stands behind the ports of the flows."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import sys
from multiprocessing.util import get_temp_dir

from potions.agent.app import serve
from potions.embedded.home import load_settings, refuse_missing_key
from potions.errors import HomeBusy
from potions.flows.run import World
from potions.host.account import account_of
from potions.host.below import Below
from potions.host.caddy import Caddy
from potions.host.dns import Dns
from potions.host.doctor.below_looks import BelowLooks
from potions.host.doctor.platform_parts import parts_of
from potions.host.epmd import Epmd, SlotEpmds
from potions.host.file_outputs import FileOutputs
from potions.host.files import write_atomically
from potions.host.journal_outputs import JournalOutputs
from potions.host.locks import Locks
from potions.host.network import Network
from potions.host.storages import Storages
from potions.host.supervisord import Supervisord
from potions.host.systemd import Systemd
from potions.host.terminals import Terminals
from potions.host.trees import Trees
from potions.layout import SECRET_KEY_MODE, Home, Server
from potions.secret import Sealer, new_key
from potions.service import Service
from potions.service.app_names import AppNames
from potions.service.context import Context
from potions.settings import Settings
from potions.store.store import Store


def make_service(home: Home, settings: Settings) -> Service:
    """The service over the real programs of an embedded home, or of a server."""
    account = account_of(settings.app_user)
    supervisor = Systemd(home) if isinstance(home, Server) else Supervisord(home)
    network = Network()
    terminals = Terminals(home)
    below = Below(account)
    trees = Trees(account, below)
    outputs = JournalOutputs(home) if isinstance(home, Server) else FileOutputs(home)
    store = Store.open(home.database, Sealer(_secret_key(home)))
    names = AppNames(settings, store)
    proxy = Caddy(home, settings, names.public)
    world = World(
        supervisor=supervisor,
        proxy=proxy,
        network=network,
        trees=trees,
        outputs=outputs,
        erlang=SlotEpmds(settings.epmd_port, settings.first_port)
        if isinstance(home, Server)
        else Epmd(home, settings.epmd_port, supervisor, trees, account),
        terminals=terminals,
        account=account,
        # Read anew for each slot: `potions up` in another shell may have changed it while this agent runs.
        search_path=lambda: load_settings(home).search_path,
        asked_host=names.asked_host,
    )
    context = Context(
        home=home,
        settings=settings,
        store=store,
        world=world,
        supervisor=supervisor,
        proxy=proxy,
        network=network,
        terminals=terminals,
        trees=trees,
        outputs=outputs,
        looks=BelowLooks(account, below),
        parts=parts_of(home),
        storages=Storages(account, below),
        locks=Locks(home.locks),
        names=names,
        dns=Dns(),
    )
    return Service(context)


def run_agent(home: Home) -> None:
    """Run the agent in the foreground until a signal ends it. Raises HomeBusy where one runs already."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    settings = load_settings(home)
    lock = Locks(home.locks).try_take("agent")
    if lock is None:
        raise HomeBusy(f"Another agent already works on {home.root}.", do="See it with: potions status")
    service = make_service(home, settings)
    service.start()
    with contextlib.suppress(KeyboardInterrupt):
        serve(service, home)
    # What is still open now, whoever had it is told by the end of the connection.
    service.terminals.end_all()
    service.context.trees.close()
    # Threads of deployments may still run; what they began is settled by the next start, as after any crash. Ending
    # like that skips what multiprocessing would clean up itself.
    shutil.rmtree(get_temp_dir(), ignore_errors=True)
    os._exit(0)


def _secret_key(home: Home) -> bytes:
    """The key that seals variables, made at the first start and never again: with another one, none could be read."""
    refuse_missing_key(home)
    if not home.secret_key.exists():
        write_atomically(home.secret_key, new_key(), SECRET_KEY_MODE)
    return home.secret_key.read_bytes()
