"""What is wrong or missing, named before a run begins."""

from pipeline.configs import Settings


def check_local(settings: Settings) -> None:
    pass
