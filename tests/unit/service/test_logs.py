"""What may be asked of the output of an app, beyond its lines."""

from __future__ import annotations

import pytest

from potions.errors import WorkerUnknown
from potions.layout import AppTree
from potions.model.app import App
from potions.service import Service


def test_a_log_is_got_as_a_file(service: Service, app: App, tree: AppTree) -> None:
    """What was rotated out of it first, then the present one; in the live slot where none is named."""
    live = service.context.trees.live(tree)
    tree.output_log(live).with_name(f"{live}.log.1").write_text("old\n")
    tree.output_log(live).write_text("new")
    tree.worker_log(live.other, "mail").write_text("sent\n")
    log = service.logs.file(app.name, None, "web")
    assert (log.name, log.size, b"".join(log.pieces())) == (f"blog-{live}-web.log", 7, b"old\nnew")
    log.close()
    log.close()
    mail = service.logs.file(app.name, live.other, "mail")
    assert b"".join(mail.pieces()) == b"sent\n"
    mail.close()
    for wrong in ("nobody", "../../state/agent", "web.log"):
        with pytest.raises(WorkerUnknown):
            service.logs.file(app.name, None, wrong)


def test_a_process_that_is_none_is_refused(service: Service, app: App) -> None:
    """Its name is looked up among the app's own, and never becomes a path."""
    for wrong in ("nobody", "../../state/agent", ""):
        with pytest.raises(WorkerUnknown):
            service.logs.open(app.name, None, wrong, 10)
