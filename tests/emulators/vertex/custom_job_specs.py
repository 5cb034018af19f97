"""What the service checks in a custom job before it takes it."""

from google.cloud.aiplatform_v1 import types
from google.protobuf.message import Message

from .errors import Refusal, invalid
from .labels import check_display_name, check_labels
from .replicas import ROLES

NO_ACCELERATOR = types.AcceleratorType.ACCELERATOR_TYPE_UNSPECIFIED


def check_custom_job(job: Message) -> None:
    """Refuses a custom job that the service would refuse.

    Args:
        job: A google.cloud.aiplatform.v1.CustomJob.

    Raises:
        Refusal: INVALID_ARGUMENT, with what is wrong; UNIMPLEMENTED for what is not emulated.
    """
    check_display_name(job.display_name)
    check_labels(job.labels)
    pools = job.job_spec.worker_pool_specs
    if not 1 <= len(pools) <= len(ROLES):
        raise invalid(f"Invalid worker_pool_specs: found {len(pools)}, expected 1 to {len(ROLES)}.")
    if pools[0].replica_count != 1:
        raise invalid(
            "Invalid worker_pool_specs[0].replica_count: found "
            f"{pools[0].replica_count}, expected 1, for the first pool is the chief."
        )
    for number, pool in enumerate(pools):
        if pool.ByteSize():  # an empty one keeps the place of a role that nobody has
            _check_pool(f"worker_pool_specs[{number}]", pool)
    folder = job.job_spec.base_output_directory.output_uri_prefix
    if folder and not folder.startswith("gs://"):
        raise invalid(f"Invalid base_output_directory: found '{folder}', expected a gs:// URI.")


def _check_pool(where: str, pool: Message) -> None:
    if pool.replica_count < 1:
        raise invalid(
            f"Invalid {where}.replica_count: found {pool.replica_count}, expected 1 or more."
        )
    if pool.HasField("python_package_spec"):
        raise Refusal("UNIMPLEMENTED", f"{where}.python_package_spec is not emulated.")
    if not pool.container_spec.image_uri:
        raise invalid(f"Invalid {where}.container_spec: image_uri is required.")
    if not pool.container_spec.command:
        raise Refusal(
            "UNIMPLEMENTED", f"{where}.container_spec has no command, and images are not emulated."
        )
    check_machine(where, pool.machine_spec)


def check_machine(where: str, machine: Message) -> None:
    """Refuses a MachineSpec without a machine type, or with half an accelerator.

    Raises:
        Refusal: INVALID_ARGUMENT.
    """
    if not machine.machine_type:
        raise invalid(f"Invalid {where}.machine_spec: machine_type is required.")
    if (machine.accelerator_type != NO_ACCELERATOR) != (machine.accelerator_count > 0):
        raise invalid(
            f"Invalid {where}.machine_spec: accelerator_type and accelerator_count go together."
        )
