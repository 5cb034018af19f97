"""Changes the Space between runs: its app, or the version of the model that it serves."""

import argparse
import sys
import tempfile
from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict
from rich.console import Console

from components.hf_pusher.answers import HubError, NotTrusted
from components.hf_pusher.config import HubConfig
from components.hf_pusher.publish import Publisher
from components.secrets import SecretError
from components.settings import SettingsError, read_settings
from tfrecords.terminal import prepare


class _Settings(BaseSettings, HubConfig):
    """The Hub's settings alone, from the same places as a run's."""

    model_config = SettingsConfigDict(extra="ignore", env_ignore_empty=True)


_FAILED, _NOT_TRUSTED = 2, 3


def main() -> int:
    """Does what is asked.

    Returns:
        0; with one sentence 2 when it cannot be done, and 3 when the Hub does not trust the
        workflow in which it runs.
    """
    parser = argparse.ArgumentParser(prog="python -m components.hf_pusher", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    verbs.add_parser("deploy", help="bring the Space's app up to this checkout")
    back = verbs.add_parser("rollback", help="point the Space and main back to a version")
    back.add_argument("--to", metavar="TAG", required=True, help="the version, such as v-0123…")
    arguments = parser.parse_args()
    console = Console(soft_wrap=True)
    try:
        with tempfile.TemporaryDirectory() as workspace:
            publisher = Publisher(read_settings(_Settings, ".env"), Path(workspace))
            done = (
                publisher.deploy()
                if arguments.verb == "deploy"
                else publisher.rollback(arguments.to)
            )
    except (SettingsError, HubError, SecretError) as error:
        Console(stderr=True, soft_wrap=True).print(str(error), style="red", markup=False)
        return _NOT_TRUSTED if isinstance(error, NotTrusted) else _FAILED
    what = "now serves" if done.changed else "served before and still serves"
    console.print(f"{done.space_url} {what} {done.url}", markup=False)
    return 0


if __name__ == "__main__":
    prepare()
    sys.exit(main())
