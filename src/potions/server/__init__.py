"""`potions server install` and `uninstall`: makes a fresh Debian or Ubuntu a Potions server, step by step."""
