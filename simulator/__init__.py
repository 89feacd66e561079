"""A local exchange that poses as HashKey Global."""

from __future__ import annotations

__all__ = ["__version__"]

__version__ = "0.1.0"
