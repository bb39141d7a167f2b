"""The command line: a file per noun, a function per verb."""
