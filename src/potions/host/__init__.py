"""Acts on this computer: one real program or one concern a file."""
