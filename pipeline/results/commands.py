"""The commands that follow a run, with its settings and in the form of its own command."""

from dataclasses import dataclass

from components.endpoint_pusher.config import EndpointConfig
from components.hf_pusher.config import HubConfig
from components.lakefs_pusher.config import LakeFSConfig
from pipeline.configs import Settings
from pipeline.places import PlacesConfig
from pipeline.vertex.config import VertexConfig
from tracking.config import TrackingConfig

# What a run is to be repeated with, beside its epochs, and where it is published.
_REPEATED = [
    name
    for name in Settings.model_fields
    if name != "epochs"
    and not any(
        name in config.model_fields
        for config in (HubConfig, LakeFSConfig, TrackingConfig, VertexConfig, EndpointConfig)
    )
]


@dataclass(frozen=True)
class Commands:
    """What a user types next.

    Attributes:
        settings: of the run.
        by_verb: whether `visionpipe train` started it, whose settings are flags, and not `make` or
            `python local_runner.py`, whose settings stand before them.
    """

    settings: Settings
    by_verb: bool = False

    def show_newest(self) -> str:
        """Show the newest pushed model."""
        if self.by_verb:
            return self._verb("app")
        return f"{self.settings.as_typed(*PlacesConfig.model_fields)} make app".lstrip()

    def show(self, model: str) -> str:
        """Show a model.

        Args:
            model: its path, or its run.
        """
        return self._verb("app", f"--model {model}")

    def compare(self, first: str, second: str) -> str:
        """Compare two runs, by their ids."""
        return self._verb("compare", f"{first} {second}")

    def train_longer(self) -> str:
        """Do the same again with twice the epochs; the demo draws its data and names a Hub."""
        settings, epochs = self.settings, 2 * self.settings.load_recipe().epochs
        unpublished = settings.is_default("recipe", "data_root") and not settings.hf_repo_id
        demo = unpublished or self.is_published_here()
        repeated = [*_REPEATED, *LakeFSConfig.model_fields]
        if self.by_verb:
            flags = settings.as_flags(*repeated, *HubConfig.model_fields)
            return f"visionpipe train --epochs {epochs} {flags}".rstrip()
        repeated += [] if demo else HubConfig.model_fields
        told = f"EPOCHS={epochs} {settings.as_typed(*repeated)}".rstrip()
        return f"{told} {'make demo' if demo else 'python local_runner.py'}"

    def _verb(self, verb: str, arguments: str = "") -> str:
        names = PlacesConfig.model_fields
        if self.by_verb:
            return " ".join(
                filter(None, ("visionpipe", verb, arguments, self.settings.as_flags(*names)))
            )
        typed = self.settings.as_typed(*names)
        return " ".join(filter(None, (typed, "visionpipe", verb, arguments)))

    def is_published_here(self) -> bool:
        """Tell whether `make demo` runs it, which publishes to a Hub on this machine."""
        settings = self.settings
        demos = f"demo/{settings.load_recipe().name}"
        return settings.hf_repo_id == demos and not settings.is_default("hf_endpoint")
