"""What steps tell GitHub's runner: lines of their output, and files."""

import re
from pathlib import Path

_COMMAND = re.compile(r"^\s*::([\w-]+)([^:]*)::(.*)$")
_HEREDOC = re.compile(r"^([^=<]+)<<(.+)$")


class Commands:
    """Reads the commands in what steps print."""

    def __init__(self) -> None:
        self.errors: list[str] = []

    def read(self, log: str) -> dict[str, str]:
        """Takes up the commands of one step; returns the outputs that they set."""
        outputs = {}
        paused_until = None
        for line in log.splitlines():
            if paused_until:
                if line == f"::{paused_until}::":
                    paused_until = None
                continue
            found = _COMMAND.match(line)
            if not found:
                continue
            command, properties, value = found.groups()
            if command == "stop-commands":
                paused_until = value
            elif command == "error":
                self.errors.append(value)
            elif command == "set-output":  # deprecated, and still obeyed
                outputs[properties.strip().removeprefix("name=")] = value
        return outputs


def read_pairs(path: Path) -> dict[str, str]:
    """Reads NAME=VALUE lines, and values of several lines, NAME<<END to END."""
    pairs = {}
    lines = iter(path.read_text().splitlines())
    for line in lines:
        if found := _HEREDOC.match(line):
            name, end = found.groups()
            values = []
            for value in lines:
                if value == end:
                    break
                values.append(value)
            pairs[name] = "\n".join(values)
        elif line:
            name, separator, value = line.partition("=")
            if not separator:
                raise ValueError(f"{path.name} cannot be read: {line!r}")
            pairs[name] = value
    return pairs
