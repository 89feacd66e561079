"""What holds for every test."""

from __future__ import annotations

from hypothesis import settings

# Machines that run tests are shared: an example that takes long says nothing about the code.
settings.register_profile("patient", parent=settings.default, deadline=None)
settings.load_profile("patient")
