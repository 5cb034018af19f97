"""The machine that the figures were measured on."""

import os
import platform
import re
from pathlib import Path
from typing import TypedDict

import psutil


class Facts(TypedDict):
    """Where and when a benchmark ran."""

    date: str
    machine: str


def description() -> str:
    """For example "2 cores, Intel(R) Xeon(R) CPU @ 2.20GHz, 8 GB, Linux x86_64"."""
    gigabytes = round(psutil.virtual_memory().total / 1e9)
    system = f"{platform.system()} {platform.machine()}"
    return ", ".join([f"{os.cpu_count()} cores", *_processor(), f"{gigabytes} GB", system])


def _processor() -> list[str]:
    """Its name, where the system tells."""
    try:
        return re.findall(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.M)[:1]
    except OSError:
        return []
