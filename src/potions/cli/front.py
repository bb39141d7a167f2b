"""The list of commands, declared once: what ``potions --help`` prints, and what ``main`` registers.

It is printed from here and not by the command-line library, whose import alone takes longer than the whole page may.
"""

from __future__ import annotations

from typing import NamedTuple

ABOUT = "Potions deploys apps to a server you own, and keeps their files through every\ndeploy and rollback."


class Command(NamedTuple):
    """A command: its name, where its function or its group of commands lives, and the first line of its help."""

    name: str
    target: str
    summary: str


GROUPS: dict[str, tuple[Command, ...]] = {
    "This computer": (
        Command("up", "potions.cli.platform:up", "Start Potions here, in the background."),
        Command("down", "potions.cli.platform:down", "Stop Potions here, with all its apps."),
        Command("status", "potions.cli.platform:status", "Show what runs: Potions itself, the apps, the deploys."),
        Command(
            "dashboard", "potions.cli.dashboard:dashboard", "Print the dashboard's address, and open it where it can."
        ),
        Command("doctor", "potions.cli.doctor:doctor", "Compare what is with what should be, and say what to run."),
    ),
    "Your project": (
        Command("init", "potions.cli.init:init", "Write potions.toml and .gitignore for the project here."),
        Command("dev", "potions.cli.dev:dev", "Run a command here with STORAGE_DIR pointing at ./storage."),
    ),
    "Apps": (
        Command("apps", "potions.cli.apps:apps", "Create, list, show, delete and restore apps."),
        Command("env", "potions.cli.env:env", "Show, set, import and export an app's variables."),
        Command("domains", "potions.cli.domains:domains", "Give an app domains, with HTTPS by itself."),
        Command("storage", "potions.cli.storage:storage", "Show, list, get, put and remove what an app has stored."),
        Command("open", "potions.cli.serving:open_app", "Print an app's address, and open it where it can."),
        Command("logs", "potions.cli.logs:logs", "Show what an app prints."),
        Command("console", "potions.cli.console:console", "Open a console in the running app."),
        Command("run", "potions.cli.console:run", "Run a command in the live slot of an app, with its variables."),
        Command("stop", "potions.cli.serving:stop", "Stop an app. Its files, releases and variables stay."),
        Command("start", "potions.cli.serving:start", "Start an app that was stopped."),
        Command("restart", "potions.cli.serving:restart", "Stop and start an app's live slot."),
    ),
    "Deploys": (
        Command("deploy", "potions.cli.deploy:deploy", "Deploy a release, and follow it until it serves."),
        Command("redeploy", "potions.cli.deploy:redeploy", "Deploy the same release with the variables saved now."),
        Command(
            "rollback",
            "potions.cli.rollback:rollback",
            "Go back to the release that served before, or an older one.",
        ),
        Command(
            "releases",
            "potions.cli.releases:releases",
            "List an app's releases: what serves, what can be gone back to.",
        ),
        Command("diff", "potions.cli.releases:diff", "Show which files differ between two releases."),
        Command("deployments", "potions.cli.deployments:deployments", "List an app's deployments, newest first."),
        Command("log", "potions.cli.deployments:log", "Show the log of one deployment."),
        Command("cancel", "potions.cli.deployments:cancel", "Cancel a deployment that waits or runs."),
    ),
    "Servers": (
        Command("server", "potions.cli.server:server", "Make a computer a server, and know those that SSH reaches."),
    ),
    "People": (
        Command("users", "potions.cli.users:users", "Invite, list and remove those who sign in on the dashboard."),
        Command("tokens", "potions.cli.tokens:tokens", "Make, list and revoke API tokens."),
        Command("audit", "potions.cli.audit:audit", "Show who did what, the newest first."),
    ),
}

#: Commands that no person types.
HIDDEN = (Command("agent", "potions.cli.platform:agent", "Run the agent in the foreground."),)

_EXAMPLES = """\
  potions up                        start Potions
  potions apps create blog          make an app, with its storage
  potions deploy . --app blog       deploy this directory to it
  potions rollback blog             go back to what served before
"""


def commands() -> list[Command]:
    """Every command that can be typed, in the order of the page."""
    return [command for group in GROUPS.values() for command in group] + list(HIDDEN)


def front_page() -> str:
    """The text of ``potions --help``."""
    width = max(len(command.name) for command in commands()) + 2
    parts = [f"{ABOUT}\n\nUsage: potions COMMAND [--server USER@HOST] [--json]\n"]
    for title, group in GROUPS.items():
        lines = (f"  {command.name:<{width}}{command.summary}\n" for command in group)
        parts.append(f"{title}:\n{''.join(lines)}")
    parts.append(f"Examples:\n{_EXAMPLES}")
    parts.append("More about one of them: potions COMMAND --help\n")
    return "\n".join(parts)
