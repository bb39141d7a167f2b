"""Every page, as it looks with something in it: readable for everybody, light, and safe."""

from __future__ import annotations
