"""Potions: deploy apps to a server you own, and keep their files through every deploy and rollback."""

__version__ = "0.1.0"

#: Which routes and answers there are, as a number that grows with each of them that a client may miss.
API_LEVEL = 1
