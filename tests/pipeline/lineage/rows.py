"""The table of a lineage as tests read it."""

import re


def rows(output: str) -> list[tuple[str, str]]:
    """Name and value of each row, the lines of a folded value joined."""
    found: list[tuple[str, str]] = []
    for name, value in re.findall(r"^│ (.*?) *│ (.*?) *│$", output, re.MULTILINE):
        if name:
            found.append((name, value))
        else:
            found[-1] = (found[-1][0], found[-1][1] + value)
    return found


def row(output: str, name: str) -> str:
    """The value of the only row of a name."""
    [value] = [value for found, value in rows(output) if found == name]
    return value


def squeezed(text: str) -> str:
    """A text without its spaces, some of which went where it was folded."""
    return "".join(text.split())
