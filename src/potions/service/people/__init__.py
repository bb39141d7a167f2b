"""People: signing in, roles, codes, tokens, and the log of who did what."""
