"""Files that hold tokens, secrets, and certificates (DOC-4, DOC-7)."""

from __future__ import annotations

import os
import stat

from .errors import invalid, not_configured

READ_LIMIT = 64 * 1024


def read_file(path: str) -> str:
    """Reads a file without the blanks around it, a large one in part."""
    try:
        # A pipe put in the place of the file must not block.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with open(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise invalid(f"{path} is not a regular file")
            content = file.read(READ_LIMIT + 1).decode(errors="replace")
    except IsADirectoryError:
        raise invalid(f"{path} is not a regular file") from None
    except OSError as error:
        raise not_configured(f"the file {path} cannot be read: {error.strerror}") from None
    if len(content.encode()) <= READ_LIMIT:
        content = content.strip(" \t\r\n")
    if not content:
        raise not_configured(f"the file {path} is empty")
    return content
