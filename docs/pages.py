"""What the scripts that write generated pages share."""

import sys
from pathlib import Path


def publish(page: Path, lines: list[str], command: str, check: bool) -> None:
    """Write a page; or, to check it, only say whether it is the one that would be written."""
    text = "\n".join(lines).rstrip() + "\n"
    if not check:
        page.write_text(text)
    elif text != page.read_text():
        sys.exit(f"{page.name} is stale: {command}")
    else:
        print(f"{page.name} is up to date")
