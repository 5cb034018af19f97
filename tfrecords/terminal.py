"""What every command line sets before it begins: how it writes, and how it reaches this machine."""

import os
import sys
from io import TextIOWrapper
from urllib.request import getproxies_environment

from tfrecords.notices import hide_notices

_THIS_MACHINE = ("127.0.0.1", "localhost")


def prepare() -> None:
    """Set what a command line needs: its signs, its proxies, and no notices of native libraries.

    What the terminal's encoding lacks is written as `?`. Servers here, such as a Hub on this
    machine or Beam's own, are asked directly, also where HTTP_PROXY is set and NO_PROXY is not.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    hide_notices()
    others = getproxies_environment().get("no", "")
    if others == "*":  # no host at all has a proxy; in a list it would mean nothing
        return
    direct = dict.fromkeys(filter(None, (*others.split(","), *_THIS_MACHINE)))
    for name in ("no_proxy", "NO_PROXY"):
        os.environ[name] = ",".join(direct)


def restrain_tensorflow() -> None:
    """Keep TensorFlow, before it is imported, from GPUs.

    Where a converter asks it, it decodes single images and does nothing else.
    """
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
