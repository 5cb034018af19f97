"""docs/mlflow.md: it names what is recorded, and the servers, as the code does."""

import re

import yaml

from tests.conftest import REPOSITORY
from tests.services.__main__ import parse_arguments
from tests.test_compose import SERVICES
from tracking import names

PAGE = (REPOSITORY / "docs" / "mlflow.md").read_text()
_VALUES = {names.REGISTERED, names.STAGING}  # of a tag
_OF_MODEL = {names.CHAMPION, names.MOVE}
_METRICS = {names.EVALUATION, names.VALIDATION_LOSS, names.BEST_EPOCH}
_ARTIFACTS = {names.RECIPE_FILE, names.REPORT_FILE}


def first_column(head: str) -> set[str]:
    """The names in the first column of the table whose head begins so."""
    _, _, table = PAGE.partition(f"| {head} |")
    rows = table.split("\n\n")[0].splitlines()[2:]
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row.split("|")[1])}


def test_it_tells_of_every_name() -> None:
    every = {value for name, value in vars(names).items() if name.isupper()}
    version = first_column("tag of a version")
    registered = {names.STAGE, names.REGISTERED_BY, names.REASON, names.MISSES}
    assert version == registered | {names.STAGED_BY, names.STAGED_FOR}
    assert f"`{names.CHAMPION}`" in PAGE and f"`{names.MOVE}TIME.ID`" in PAGE
    of_run = every - version - _VALUES - _OF_MODEL - _ARTIFACTS - _METRICS
    assert first_column("tag") == of_run
    assert first_column("beside them") == _ARTIFACTS | {f"{names.EVALUATION}…"}


def test_the_profiles_and_volumes_are_those_of_compose() -> None:
    profiles = {profile for service in SERVICES.values() for profile in service["profiles"]}
    assert set(re.findall(r"--profile ([\w-]+)", PAGE)) <= profiles
    compose = yaml.safe_load((REPOSITORY / "compose.yaml").read_text())
    assert set(re.findall(r"volumes `(\w+)`, `(\w+)`", PAGE)[0]) <= set(compose["volumes"])
    assert SERVICES["mlflow"]["image"] in PAGE


def test_the_ports_are_those_of_make_services() -> None:
    served = parse_arguments(["all", "--state=output/services"])
    assert str(served.state) in PAGE
    for port in (served.mlflow_port, served.s3_port, served.pgpool_port, served.postgres_port):
        assert f"127.0.0.1:{port}" in PAGE


def test_every_target_is_one_of_make() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(), re.M))
    assert set(re.findall(r"make (mlflow|services|env|demo)", PAGE)) <= targets
