"""The dashboard: a web process without rights of its own. It shows what the agent's API tells the signed-in person."""
