"""What Potions costs, as ratios to a floor that is measured in the same run. Nothing here is part of the tests."""

from __future__ import annotations

import sys
from pathlib import Path

# The load, the apps and the platform under test are those of the stories.
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
