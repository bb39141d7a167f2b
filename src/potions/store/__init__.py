"""What the agent remembers, in one SQLite file."""
