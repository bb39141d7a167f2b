"""An embedded Potions: supervisord, Caddy, the agent and the dashboard in the background, below one directory."""
