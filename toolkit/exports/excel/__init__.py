"""Excel workbooks: for people who check sums, and read back to the last digit."""

from toolkit.exports.excel.reading import read_sheet
from toolkit.exports.excel.writing import write

__all__ = ["read_sheet", "write"]
