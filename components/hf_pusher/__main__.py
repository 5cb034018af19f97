"""Changes the Space between runs: its app, or the version of the model that it serves."""

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic_settings import BaseSettings, SettingsConfigDict

from components.flags import with_settings
from components.hf_pusher.config import HubConfig
from components.settings import SettingsError
from tfrecords.command_line import add_command, make_app, run
from tfrecords.terminal import prepare

if TYPE_CHECKING:
    from components.hf_pusher.publish import Publication, Publisher


class _Settings(BaseSettings, HubConfig):
    """The Hub's settings alone, from the same places as a run's."""

    model_config = SettingsConfigDict(extra="ignore", env_ignore_empty=True)


_FAILED, _NOT_TRUSTED = 2, 3

app = make_app(__doc__)


@add_command(app, what="Brings the Space's app up to this checkout.", told={SettingsError: _FAILED})
@with_settings(_Settings)
def deploy(settings: _Settings) -> int:
    """Return as `_change` does."""
    return _change(settings, lambda publisher: publisher.deploy())


@add_command(
    app, what="Points the Space and main back to a version.", told={SettingsError: _FAILED}
)
@with_settings(_Settings)
def rollback(
    settings: _Settings,
    to: Annotated[str, typer.Option(metavar="TAG", help="The version, such as v-0123…")],
) -> int:
    """Return as `_change` does."""
    return _change(settings, lambda publisher: publisher.rollback(to))


def _change(settings: _Settings, act: "Callable[[Publisher], Publication]") -> int:
    """Do what is asked.

    Returns:
        0; with one sentence 2 when it cannot be done, and 3 when the Hub does not trust the
        workflow in which it runs.
    """
    import tempfile
    from pathlib import Path

    from rich.console import Console

    from components.hf_pusher.answers import HubError, NotTrusted  # which take long to import
    from components.hf_pusher.publish import Publisher
    from components.secrets import SecretError

    try:
        with tempfile.TemporaryDirectory() as workspace:
            done = act(Publisher(settings, Path(workspace)))
    except (HubError, SecretError) as error:
        Console(stderr=True, soft_wrap=True).print(str(error), style="red", markup=False)
        return _NOT_TRUSTED if isinstance(error, NotTrusted) else _FAILED
    what = "now serves" if done.changed else "served before and still serves"
    Console(soft_wrap=True).print(f"{done.space_url} {what} {done.url}", markup=False)
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit code."""
    return run(app, "python -m components.hf_pusher", arguments)


if __name__ == "__main__":
    prepare()
    sys.exit(main())
