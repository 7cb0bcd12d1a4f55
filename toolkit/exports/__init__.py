"""Frames in files, with their provenance, and back."""

from toolkit.exports.concat import concat
from toolkit.exports.provenance import provenance
from toolkit.exports.reading import read
from toolkit.exports.writing import export

__all__ = ["concat", "export", "provenance", "read"]
