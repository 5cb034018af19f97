"""Long-running operations, and the project of Resource Manager."""

import threading
from typing import TYPE_CHECKING

from google.cloud.resourcemanager_v3.types import GetProjectRequest, Project
from google.longrunning import operations_pb2
from google.protobuf.message import Message

from .errors import Refusal
from .methods import METHODS

if TYPE_CHECKING:
    from .emulator import VertexEmulator


class Operations:
    """Operations whose work is done at once, but which may be asked for more than once.

    Args:
        polls: How many times an operation is answered as not yet done.
    """

    def __init__(self, polls: int) -> None:
        self.polls = polls
        self._lock = threading.Lock()
        self._operations: dict[str, tuple[operations_pb2.Operation, int]] = {}

    def add(self, parent: str, result: Message, metadata: Message) -> operations_pb2.Operation:
        """Makes the operation that a method answers with.

        Args:
            parent: The region, such as projects/1/locations/us-central1.
            result: What it brings.
            metadata: What is told about it.
        """
        with self._lock:
            name = f"{parent}/operations/{len(self._operations) + 1}"
            operation = operations_pb2.Operation(name=name, done=True)
            operation.response.Pack(result)
            operation.metadata.Pack(metadata)
            self._operations[name] = (operation, self.polls)
        return self.poll(name)

    def poll(self, name: str) -> operations_pb2.Operation:
        """The operation as it is now.

        Raises:
            Refusal: NOT_FOUND when there is none with this name.
        """
        with self._lock:
            try:
                operation, polls = self._operations[name]
            except KeyError:
                raise Refusal("NOT_FOUND", f"The operation {name} is not found.") from None
            if polls == 0:
                return operation
            self._operations[name] = (operation, polls - 1)
        return operations_pb2.Operation(name=name, metadata=operation.metadata)


@METHODS.add(
    "google.longrunning.Operations",
    "GET",
    "/v1/{name=projects/*/locations/*/operations/*}",
    operations_pb2.GetOperationRequest,
)
def get_operation(vertex: "VertexEmulator", request) -> operations_pb2.Operation:
    return vertex.operations.poll(vertex.canonical(request.name))


@METHODS.add(
    "google.cloud.resourcemanager.v3.Projects",
    "GET",
    "/v3/{name=projects/*}",
    GetProjectRequest,
)
def get_project(vertex: "VertexEmulator", request) -> Message:
    return Project.pb()(
        name=f"projects/{vertex.project_number}",
        project_id=vertex.project,
        display_name=vertex.project,
        state=Project.State.ACTIVE,
    )
