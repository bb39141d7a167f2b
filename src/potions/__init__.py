"""Potions: deploy apps to a server you own, and keep their files through every deploy and rollback."""

__version__ = "0.1.0"
