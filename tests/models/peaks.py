"""Memory of this process at its peak (Linux)."""

from collections.abc import Callable
from pathlib import Path

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_RESET_PEAK = "5"


def added_peak(call: Callable[[], object]) -> float:
    """What a call takes at its peak, in MB beyond what the process had."""
    _CLEAR.write_text(_RESET_PEAK)
    before = _megabytes("VmRSS")
    call()
    return _megabytes("VmHWM") - before


def _megabytes(name: str) -> float:
    [line] = (line for line in _STATUS.read_text().splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024 / 1e6
