"""Several writers of one record of announcements, in the process that calls them."""

import threading

from pipeline.configs import load_settings
from pipeline.vertex.announcements import Announcements


def announce_at_once(pipeline_root: str, data_roots: list[str]) -> list[str]:
    """Announces each in a thread with a client of its own; returns what was raised."""
    together = threading.Barrier(len(data_roots), timeout=100)
    raised: list[str] = []

    def announce(data_root: str) -> None:
        announcements = Announcements(load_settings(pipeline_root=pipeline_root))
        together.wait()
        try:
            announcements.announce(data_root)
        except Exception as error:
            raised.append(repr(error))

    threads = [threading.Thread(target=announce, args=(data_root,)) for data_root in data_roots]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised
