"""What the workflow, the pipeline's steps and the page rely on, as infra/ declares it."""

import re
import shutil
import subprocess

import pytest

from components.endpoint_pusher import deploy
from pipeline.vertex import announcements, dataflow, jobs
from pipeline.vertex.config import VertexConfig
from tests.conftest import REPOSITORY
from tests.infra.terraform_files import INFRA, Grant, blocks, grants, named, resource, resources

WORKFLOWS = REPOSITORY / ".github" / "workflows"
LOGIN = "google-github-actions/auth@"
ROLE = re.compile(r"roles/[A-Za-z.]*[A-Za-z]")
VARIABLES = {
    "GOOGLE_CLOUD_PROJECT",
    "GOOGLE_CLOUD_REGION",
    "WORKLOAD_IDENTITY_PROVIDER",
    "HF_REPO_ID",
    "HF_LICENSE",
    "HF_TOKEN_SECRET",
    "LAKEFS_ACCESS_KEY_SECRET",
    "LAKEFS_ENDPOINT",
    "LAKEFS_REPOSITORY",
    "LAKEFS_SECRET_KEY_SECRET",
    "MLFLOW_PASSWORD_SECRET",
    "MLFLOW_TRACKING_URI",
    "MLFLOW_USERNAME_SECRET",
}
# By the beginning of a resource's type: the services that it, or what it is for, asks.
SERVICES = {
    "google_artifact_registry_": {"artifactregistry"},
    "google_eventarc_": {"eventarc", "workflowexecutions"},
    "google_iam_workload_identity_": {"iam", "iamcredentials", "sts"},
    "google_monitoring_": {"monitoring"},
    "google_project_iam_": {"cloudresourcemanager"},
    "google_project_service": set[str](),
    "google_pubsub_": {"pubsub"},
    "google_secret_manager_": {"secretmanager"},
    "google_service_account": {"iam"},
    "google_storage_": {"storage"},
    "google_workflows_": {"workflows"},
}
# By a role's service: what a step that has the role asks beside it.
SERVICES_OF_STEPS = {
    "aiplatform": {"aiplatform", "logging"},
    "dataflow": {"dataflow", "compute", "logging", "monitoring"},
}


def held(account: str, on: str) -> set[str]:
    return {grant.role for grant in grants() if (grant.account, grant.on) == (account, on)}


def enabled() -> set[str]:
    [lists] = [block for block in blocks("locals") if "services" in block]
    names = [*lists["services"], *lists["new_data_services"]]
    assert all(name.endswith(".googleapis.com") for name in names)
    return {name.removesuffix(".googleapis.com") for name in names}


@pytest.mark.parametrize(
    ("type_", "name", "attribute", "value"),
    [
        ("google_storage_bucket", "segmentation", "name", "${var.project}-segmentation"),
        ("google_storage_bucket", "segmentation", "location", "${var.region}"),
        ("google_artifact_registry_repository", "segmentation", "repository_id", "segmentation"),
        ("google_artifact_registry_repository", "segmentation", "location", "${var.region}"),
        ("google_service_account", "pipeline", "account_id", "pipeline"),
        ("google_service_account", "github", "account_id", "github"),
        ("google_iam_workload_identity_pool", "github", "workload_identity_pool_id", "github"),
        (
            "google_iam_workload_identity_pool_provider",
            "github",
            "workload_identity_pool_provider_id",
            "github",
        ),
        ("google_secret_manager_secret", "hf_token", "secret_id", "hf-token"),
        ("google_secret_manager_secret", "lakefs_access_key", "secret_id", "lakefs-access-key"),
        ("google_secret_manager_secret", "lakefs_secret_key", "secret_id", "lakefs-secret-key"),
        ("google_secret_manager_secret", "mlflow_password", "secret_id", "mlflow-password"),
        ("google_secret_manager_secret", "mlflow_username", "secret_id", "mlflow-username"),
        ("google_secret_manager_secret", "github_token", "secret_id", "github-dispatch-token"),
    ],
)
def test_name_that_a_run_derives(type_: str, name: str, attribute: str, value: str) -> None:
    assert resource(type_, name)[attribute] == value


def test_the_workflow_may_what_a_submission_asks_for() -> None:
    asked = set(ROLE.findall(jobs.ROLES)) | set(ROLE.findall(dataflow.ROLES))
    assert asked == held("github", "project") | held("github", "service_account pipeline")
    assert held("github", "service_account pipeline") == {"roles/iam.serviceAccountUser"}


def test_the_steps_may_what_their_errors_ask_for() -> None:
    assert set(ROLE.findall(deploy.ROLES)) <= held("pipeline", "project")
    assert held("pipeline", "service_account pipeline") == {"roles/iam.serviceAccountUser"}
    assert held("pipeline", "storage_bucket") == {"roles/storage.objectUser"}
    for reader in ("pipeline", "github"):
        assert held(reader, "secret_manager_secret") == {"roles/secretmanager.secretAccessor"}


def test_every_role_that_the_code_names_is_granted() -> None:
    sources = [*REPOSITORY.glob("components/**/*.py"), *REPOSITORY.glob("pipeline/**/*.py")]
    asked = {role for path in sources for role in ROLE.findall(path.read_text())}
    assert len(asked) >= 4
    assert asked <= {grant.role for grant in grants()}


def test_the_workflow_reads_the_bucket_and_writes_probes_and_the_record_of_new_data() -> None:
    roles = {"roles/storage.objectViewer", "roles/storage.objectUser"}
    assert held("github", "storage_bucket") == roles
    [condition] = resource("google_storage_bucket_iam_member", "github_probes")["condition"]
    assert condition["expression"].count("startsWith") == 1
    assert "/objects/${name}" in condition["expression"]
    [listed] = re.findall(r"in (\[.*?\])", condition["expression"])
    names = re.findall(r'"(.*?)"', listed)
    assert names == ["pipeline/.check-", f"pipeline/{announcements.NAME}"]
    [template] = re.findall(r"extract\(.*?/objects/(.*?)\\", condition["expression"])
    assert template == "serving/{recipe}/.check-"
    assert "/.check-{uuid" in (REPOSITORY / "pipeline" / "vertex" / "check.py").read_text()


def test_the_images_are_written_by_the_workflow_and_read_by_the_steps() -> None:
    assert held("github", "artifact_registry_repository") == {"roles/artifactregistry.writer"}
    assert held("pipeline", "artifact_registry_repository") == {"roles/artifactregistry.reader"}


def test_new_data_may_start_its_workflow_and_read_its_token() -> None:
    assert {(grant.role, grant.on) for grant in grants() if grant.account == "new_data"} == {
        ("roles/workflows.invoker", "project"),
        ("roles/secretmanager.secretAccessor", "secret_manager_secret"),
    }


def test_a_failed_execution_for_new_data_is_told_by_mail() -> None:
    policy = resource("google_monitoring_alert_policy", "new_data")
    [condition] = policy["conditions"]
    [threshold] = condition["condition_threshold"]
    for clause in (
        'resource.labels.workflow_id = \\"${google_workflows_workflow.new_data.name}\\"',
        'metric.type = \\"workflows.googleapis.com/finished_execution_count\\"',
        'metric.labels.status = \\"FAILED\\"',
    ):
        assert clause in threshold["filter"]
    assert (threshold["comparison"], threshold["threshold_value"]) == ("COMPARISON_GT", 0)
    assert policy["notification_channels"] == ["${google_monitoring_notification_channel.email.id}"]
    assert policy["alert_strategy"] == [{"auto_close": "1800s"}]  # or the next one is not told
    channel = resource("google_monitoring_notification_channel", "email")
    assert (channel["type"], channel["labels"]) == (
        "email",
        {"email_address": "${var.alert_email}"},
    )


@pytest.mark.parametrize("grant", grants(), ids=lambda grant: f"{grant.account}-{grant.role}")
def test_no_grant_is_wider_than_it_must_be(grant: Grant) -> None:
    assert not re.fullmatch(r"roles/(owner|editor|viewer)|.*[aA]dmin", grant.role)
    assert "allUsers" not in grant.account
    assert "allAuthenticatedUsers" not in grant.account
    if grant.on == "project":  # of every account or secret of the project
        assert not grant.role.startswith(("roles/iam.", "roles/secretmanager.", "roles/storage."))


def test_nothing_takes_other_grants_away_and_nothing_is_a_key_or_a_value() -> None:
    types = {one.type for one in resources()}
    assert not [type_ for type_ in types if type_.endswith(("_iam_policy", "_iam_binding"))]
    assert "google_service_account_key" not in types
    assert not [
        type_ for type_ in types if type_.startswith("google_secret_manager_secret_version")
    ]
    assert not named("variable").keys() & {"token", "hf_token", "github_token"}


def test_only_one_repository_branch_and_workflow_come_in() -> None:
    provider = resource("google_iam_workload_identity_pool_provider", "github")
    [oidc] = provider["oidc"]
    assert oidc["issuer_uri"] == "https://token.actions.githubusercontent.com"
    condition = provider["attribute_condition"]
    assert condition.startswith('${join(" && "')
    for clause in (
        "assertion.repository == '${var.github_repository}'",
        "assertion.repository_id == '${var.github_repository_id}'",
        "assertion.ref == 'refs/heads/main'",
        "assertion.job_workflow_ref == "
        "'${var.github_repository}/.github/workflows/train.yml@refs/heads/main'",
    ):
        assert f'"{clause}"' in condition
    texts = {path.name: path.read_text() for path in WORKFLOWS.glob("*.yml")}
    assert [name for name, text in texts.items() if LOGIN in text] == ["train.yml"]
    [grant] = [grant for grant in grants() if grant.role == "roles/iam.workloadIdentityUser"]
    assert grant.on == "service_account github"
    assert grant.account.startswith("principalSet://iam.googleapis.com/")
    assert grant.account.endswith("/attribute.repository_id/${var.github_repository_id}")
    assert provider["attribute_mapping"]["attribute.repository_id"] == "assertion.repository_id"


@pytest.mark.parametrize("type_", sorted({one.type for one in resources()}))
def test_the_services_of_a_resource_are_enabled(type_: str) -> None:
    [needed] = [needed for start, needed in SERVICES.items() if type_.startswith(start)]
    assert needed <= enabled()


@pytest.mark.parametrize("service", SERVICES_OF_STEPS)
def test_the_services_of_the_steps_are_enabled(service: str) -> None:
    assert any(role.startswith(f"roles/{service}.") for role in held("pipeline", "project"))
    assert SERVICES_OF_STEPS[service] <= enabled()


def test_services_stay_when_everything_else_goes() -> None:
    assert resource("google_project_service", "needed")["disable_on_destroy"] is False


def test_what_dataflow_leaves_behind_is_deleted() -> None:
    engine = (REPOSITORY / "pipeline" / "vertex" / "engine.py").read_text()
    [folder] = re.findall(r"--temp_location=\{settings\.pipeline_root\.[^}]*\}/(\w+)", engine)
    rules = resource("google_storage_bucket", "segmentation")["lifecycle_rule"]
    [prefixes] = [
        condition["matches_prefix"]
        for rule in rules
        for condition in rule["condition"]
        if rule["action"] == [{"type": "Delete"}]
    ]
    assert prefixes == [f"pipeline/{folder}/"]


def test_the_bucket_is_nobody_elses() -> None:
    bucket = resource("google_storage_bucket", "segmentation")
    assert bucket["uniform_bucket_level_access"] is True
    assert bucket["public_access_prevention"] == "enforced"
    assert "force_destroy" not in bucket


@pytest.mark.parametrize("folder", [".", "new_data"])
def test_every_variable_and_output_is_described(folder: str) -> None:
    for name, body in {**named("variable", folder), **named("output", folder)}.items():
        assert body["description"].endswith((".", ".id")), name


@pytest.mark.parametrize("name", ["project", "region"])
def test_a_variable_takes_what_the_setting_takes(name: str) -> None:
    [metadata] = VertexConfig.model_fields[f"google_cloud_{name}"].metadata
    [validation] = named("variable", ".")[name]["validation"]
    assert validation["condition"] == f'${{can(regex("{metadata.pattern}", var.{name}))}}'


def test_the_example_sets_what_must_be_set() -> None:
    example = (INFRA / "terraform.tfvars.example").read_text()
    variables = named("variable", ".")
    assert set(re.findall(r"^(\w+) *=", example, re.M)) == {
        name for name, body in variables.items() if "default" not in body
    }
    assert set(re.findall(r"^# (\w+) += ", example, re.M)) == {
        name for name, body in variables.items() if "default" in body
    }


def set_by_outputs() -> set[str]:
    values = [output["value"] for output in named("output").values()]
    return {name for value in values for name in re.findall(r"^\s*\S+ (\w+) --body", value, re.M)}


def test_the_outputs_set_the_variables_of_the_repository() -> None:
    assert set_by_outputs() == VARIABLES


def test_the_outputs_set_what_the_workflows_read() -> None:
    workflows = sorted((REPOSITORY / ".github" / "workflows").glob("*.yml"))
    if not workflows:
        pytest.skip("there is no workflow in .github/workflows")
    read = {name for path in workflows for name in re.findall(r"vars\.(\w+)", path.read_text())}
    settings = set(re.findall(r"^# ([A-Z0-9_]+)=", (REPOSITORY / ".env.example").read_text(), re.M))
    assert set_by_outputs() <= read <= set_by_outputs() | settings


def test_the_files_are_in_terraforms_own_style() -> None:
    terraform = shutil.which("terraform")
    if terraform is None:
        pytest.skip("terraform is not installed")
    done = subprocess.run(
        [terraform, "fmt", "-check", "-diff", "-recursive", INFRA], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
