"""What docs/google-cloud.md has one type, and what it says that one will read."""

import re
import subprocess

import pytest
import typer
import yaml

from pipeline.__main__ import app
from tests.conftest import REPOSITORY
from tests.infra.terraform_files import blocks, named, resource

PAGE = (REPOSITORY / "docs" / "google-cloud.md").read_text()
BLOCKS = re.findall(r"```bash\n(.*?)```", PAGE, re.S)
WORKFLOW = REPOSITORY / ".github" / "workflows" / "train.yml"
SECRETS = (
    "hf_token",
    "github_token",
    "lakefs_access_key",
    "lakefs_secret_key",
    "mlflow_username",
    "mlflow_password",
)


@pytest.mark.parametrize("block", BLOCKS)
def test_a_block_is_bash(block: str) -> None:
    done = subprocess.run(["bash", "-n"], input=block, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""  # such as of a here-document without an end


def test_what_terraform_is_asked_for_is_there() -> None:
    assert set(re.findall(r"output -raw (\w+)", PAGE)) == named("output", ".").keys()
    written = set(re.findall(r"^(\w+) += \"", PAGE, re.M)) | set(re.findall(r"'(\w+) = ", PAGE))
    required = {name for name, body in named("variable", ".").items() if "default" not in body}
    assert written == required | {"new_data_trigger", "alert_email"}


def piped(output: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs what Terraform puts out when every reference is x, with a gh that repeats its part."""
    [begin] = [block["set_variable"] for block in blocks("locals") if "set_variable" in block]
    text = named("output", ".")[output]["value"].replace("${local.set_variable}", begin)
    commands = re.sub(r"(?<!\$)\$\{[^}]*\}", "x", text).replace("$${", "${").replace('\\"', '"')
    gh = 'gh() { test "$1 $2 $3 $4 $6" = "variable set --repo x --body" && echo "$5=$7"; }'
    return subprocess.run(
        ["bash", "-euc", f"{gh}\n{commands}"], env=variables, capture_output=True, text=True
    )


def test_what_is_piped_into_bash_sets_the_variables() -> None:
    done = piped("github_variables")
    assert done.stdout.splitlines() == [
        "GOOGLE_CLOUD_PROJECT=x",
        "GOOGLE_CLOUD_REGION=x",
        "WORKLOAD_IDENTITY_PROVIDER=x",
    ]
    done = piped("publishing_variables", HF_REPO_ID="you/pets", HF_LICENSE="cc0-1.0")
    assert done.stdout.splitlines() == [
        "HF_REPO_ID=you/pets",
        "HF_LICENSE=cc0-1.0",
        "HF_TOKEN_SECRET=projects/x/secrets/x",
    ]
    told = {"LAKEFS_REPOSITORY": "models", "LAKEFS_ENDPOINT": "https://lakefs.example"}
    done = piped("lakefs_variables", **told)
    assert done.stdout.splitlines() == [
        *(f"{name}={value}" for name, value in told.items()),
        "LAKEFS_ACCESS_KEY_SECRET=projects/x/secrets/x",
        "LAKEFS_SECRET_KEY_SECRET=projects/x/secrets/x",
    ]
    done = piped("mlflow_variables", MLFLOW_TRACKING_URI="https://mlflow.example")
    assert done.stdout.splitlines() == [
        "MLFLOW_TRACKING_URI=https://mlflow.example",
        "MLFLOW_USERNAME_SECRET=projects/x/secrets/x",
        "MLFLOW_PASSWORD_SECRET=projects/x/secrets/x",
    ]


def test_publishing_is_not_set_by_halves() -> None:
    done = piped("publishing_variables", HF_LICENSE="cc0-1.0")
    assert done.returncode != 0
    assert done.stdout == ""
    assert "HF_REPO_ID: is the model repository, OWNER/NAME" in done.stderr


def test_secrets_and_buckets_have_their_names() -> None:
    secrets = {resource("google_secret_manager_secret", n)["secret_id"] for n in SECRETS}
    assert set(re.findall(r"secrets versions add (\S+)", PAGE)) == secrets
    bucket = resource("google_storage_bucket", "segmentation")["name"]
    named_here = set(re.findall(r'"gs://\$PROJECT(-\w+)', PAGE)) - {"-terraform"}
    assert named_here == {bucket.removeprefix("${var.project}")}


def test_secrets_are_piped() -> None:
    for line in re.sub(r"\\\n\s*", "", PAGE).splitlines():
        if "secrets versions add" in line:
            assert re.search(r"\| gcloud secrets versions add \S+ --data-file=-$", line)


def test_every_verb_exists() -> None:
    verbs = set(re.findall(r"visionpipe (\w+)", PAGE))
    assert verbs
    assert verbs <= set(typer.main.get_command(app).commands)


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\((?!http)([^)]+)\)", PAGE))))
def test_a_linked_file_exists(link: str) -> None:
    assert (REPOSITORY / "docs" / link).is_file()


@pytest.mark.parametrize(
    "said",
    [
        "refuses this account",
        "copy the shards there, or name their folder",
        "cannot be read from Secret Manager",
    ],
)
def test_an_error_is_said_as_the_page_has_it(said: str) -> None:
    assert f"| `{said}` |" in PAGE
    sources = [*REPOSITORY.glob("components/**/*.py"), *REPOSITORY.glob("pipeline/**/*.py")]
    assert any(said in path.read_text() for path in sources)


def test_a_missing_variable_is_said_as_the_page_has_it() -> None:
    assert "| `Not set: GOOGLE_CLOUD_PROJECT …` |" in PAGE
    assert 'reason="Not set: ' in (REPOSITORY / ".github" / "scripts" / "require").read_text()


def test_the_workflow_takes_the_inputs() -> None:
    if not WORKFLOW.exists():
        pytest.skip("there is no .github/workflows/train.yml")
    given = {name for line in PAGE.splitlines() for name in re.findall(r" -f (\w+)=", line)}
    # YAML 1.1 reads the key `on` as true.
    inputs = yaml.safe_load(WORKFLOW.read_text())[True]["workflow_dispatch"]["inputs"]
    assert given
    assert given <= inputs.keys()
