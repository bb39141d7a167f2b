"""A program that deploys and rolls back in the store until it is killed, and says what is done."""

from __future__ import annotations

import sys
from pathlib import Path

from potions.layout import Colour
from potions.model.app import Ports
from potions.model.deployment import Failure, Kind
from potions.secret import Sealer
from potions.store.store import Store


def main(path: Path, key: bytes) -> None:
    store = Store.open(path, Sealer(key))
    if not store.apps():
        store.create_app("blog", lambda _taken: Ports(4000), {"PHX_HOST": "blog.localhost"})
    app = store.app("blog")
    release = store.add_release(app.id, "a" * 64, "tar.gz", 10, "blog").id
    for left in store.unfinished():
        store.fail(left.id, Failure("interrupted", "The platform was stopped."))
    for left in store.draining():
        store.drained(left.id)
    while True:
        last = store.last_served(app.id)
        kind = Kind.ROLLBACK if last and last.kind is Kind.DEPLOY else Kind.DEPLOY
        made = store.create_deployment(app.id, kind, release, "ana", target=last.number if last else None)
        store.begin(made.id, Colour.BLUE, last.number if last else None, {"NUMBER": str(made.number)}, ["PHX_HOST"])
        store.step_began(made.id, "unpack")
        store.step_ended_and_began(made.id, "unpack", "switch")
        store.succeed(made.id)
        print(made.number, flush=True)
        store.drained(made.id)


main(Path(sys.argv[1]), bytes.fromhex(sys.argv[2]))
