"""The command line: a file per noun, a function per verb. It speaks to the agent through ``potions.client`` only."""
