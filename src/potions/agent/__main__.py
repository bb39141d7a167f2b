"""``python -m potions.agent [HOME]``: the agent in the foreground, as the supervisor starts it. No home: a server's."""

from __future__ import annotations

import sys
from pathlib import Path

from potions.agent.not_started import tell_why
from potions.errors import HomeBusy, PotionsError
from potions.layout import SERVER, Home
from potions.wiring import run_agent

if __name__ == "__main__":
    home = Home(Path(sys.argv[1])) if sys.argv[1:] else SERVER
    try:
        run_agent(home)
    except HomeBusy as error:
        # The other agent is the one who answers.
        sys.exit(str(error))
    except PotionsError as error:
        # What `potions up` shows when the agent does not come up.
        print(error, file=sys.stderr, flush=True)
        tell_why(error, home)
        sys.exit(1)
    except Exception as error:
        tell_why(error, home)
        raise
