"""What is said of bad input."""

from __future__ import annotations


def in_one_line(error: Exception, *, start: str = "") -> None:
    """A refusal is one line, and says the place that it begins with."""
    text = str(error)
    assert text and "\n" not in text and text.startswith(start), repr(text)
