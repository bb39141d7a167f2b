"""Every page, as it looks with something in it: readable for everybody, light, and safe."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest_types import Visit
from litestar.handlers import HTTPRouteHandler
from playwright.sync_api import Page, Response

from potions.dashboard.app import make_app
from potions.dashboard.place import Place
from potions.schema import Role, TokenAccess, TokenCreate
from support.browsing import SCREENSHOTS, Dashboard, flaws
from support.releases import as_tar_gz, behave_release
