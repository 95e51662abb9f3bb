"""How large may a statement be, and how is one refused?"""

from service.core.errors import GiveUp

FILE_BYTES_LIMIT = 1024 * 1024 * 1024
CELL_LIMIT = 32_768
CELLS_LIMIT = 256
ROWS_LIMIT = 5_000_000
# Remarks and titles that may stand above the headings.
PREAMBLE_ROWS = 50
CHUNK_BYTES = 1024 * 1024


class BadFile(GiveUp):
    """A file that cannot be read as a statement; the text says why, and quotes nothing of it."""
