"""`python -m components.hf_pusher rollback --to TAG`: serve an earlier version again."""

import argparse
import sys
import tempfile
from pathlib import Path

from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict
from rich.console import Console

from components.hf_pusher.answers import HubError
from components.hf_pusher.config import HubConfig
from components.hf_pusher.publish import Publisher
from components.secrets import SecretError


class _Settings(BaseSettings, HubConfig):
    """The Hub's settings alone, from the same places as a run's."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", env_ignore_empty=True)


def main() -> int:
    """Rolls back; returns 0, or 2 with one sentence when that cannot be done."""
    parser = argparse.ArgumentParser(prog="python -m components.hf_pusher", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    back = verbs.add_parser("rollback", help="point the Space and main back to a version")
    back.add_argument("--to", metavar="TAG", required=True, help="the version, such as v-0123…")
    arguments = parser.parse_args()
    console = Console(soft_wrap=True)
    try:
        with tempfile.TemporaryDirectory() as workspace:
            done = Publisher(_settings(), Path(workspace)).rollback(arguments.to)
    except ValidationError as error:
        wrong = (f"{str(one['loc'][0]).upper()}: {one['msg']}" for one in error.errors())
        return _fail(f"Wrong settings: {'; '.join(wrong)}.")
    except (HubError, SecretError) as error:
        return _fail(str(error))
    what = "now serves" if done.changed else "served before and still serves"
    console.print(f"{done.space_url} {what} {done.url}", markup=False)
    return 0


def _settings() -> HubConfig:
    return _Settings()  # type: ignore[call-arg]  # pydantic fills them in


def _fail(message: str) -> int:
    Console(stderr=True, soft_wrap=True).print(message, style="red", markup=False)
    return 2


if __name__ == "__main__":
    sys.exit(main())
