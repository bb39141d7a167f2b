"""Frozen values and the rules about them. Nothing here does I/O or knows the name of a program."""
