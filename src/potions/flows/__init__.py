"""What Potions does, as ordered steps with their undo. Flows see ports, never what is behind them."""
