"""`visionpipe publish`: the Hub follows who produces, and not the gate."""

from pathlib import Path

from pipeline.runs.store import run_ids
from tests.conftest import PUBLISHING, Workplace
from tests.emulators.hub import HubEmulator
from tests.small_runs import SMOKE
from tests.test_local_runner import row


def test_a_run_is_published_by_hand(begun: Workplace, few_pets: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "by-hand.toml"
    smoke = Path(str(SMOKE["RECIPE"])).read_text()
    recipe.write_text(f'promotion = "manual"\n{smoke}')
    first, *_ = run_ids(begun.pipeline_root / "metadata.sqlite")
    with HubEmulator(tmp_path / "hub", users={"demo": PUBLISHING["HF_TOKEN"]}) as hub:
        settings = {"RECIPE": recipe, "HF_ENDPOINT": hub.endpoint, **PUBLISHING}
        done = begun.run(f"visionpipe publish --run {first}", **settings)
        assert done.returncode == 0, done.stdout + done.stderr
        [(tag, _)] = hub.tags("models", PUBLISHING["HF_REPO_ID"]).items()
        assert row(done.stdout, "published").endswith(tag)
        steps = [line for line in done.stdout.splitlines() if line.startswith("step ")]
        assert steps[0] == "step 1 of 1 · HFPusher" and len(steps) == 2
        nobody = begun.run("visionpipe publish --run nobody", **settings)
    assert nobody.returncode == 2 and "Run nobody is unknown" in nobody.stderr
