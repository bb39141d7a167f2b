"""``python -m potions.agent HOME``: the agent in the foreground, as the supervisor starts it."""

from __future__ import annotations

import sys
from pathlib import Path

from potions.layout import Home
from potions.wiring import run_agent

if __name__ == "__main__":
    run_agent(Home(Path(sys.argv[1])))
