"""The serving pusher, with a Vertex Endpoint behind the folder of versions."""

import json
import os
from typing import Any

from tfx.types import standard_component_specs

from components.endpoint_pusher.config import Deployment
from components.endpoint_pusher.deploy import Deployer
from components.serving_pusher import executor
from components.serving_pusher.push import digest, push

_ALONE = "endpoint"  # folder, ignored by a server over SERVING_DIR, of versions one by one


class Executor(executor.Executor):
    """Pushes to the folder of versions, and has the Endpoint serve from there."""

    def serve(self, version_path: str, exec_properties: dict[str, Any]) -> str:
        """Deploys the version.

        Returns:
            Resource name of the endpoint.

        Raises:
            CloudError: it does not serve; what served before still does.
        """
        told = json.loads(exec_properties[standard_component_specs.CUSTOM_CONFIG_KEY])
        deployment = Deployment.model_validate(told["deployment"])
        folder = version_path
        if deployment.container.reads_versions:
            # SERVING_DIR has all versions, of which Vertex AI would copy each with every model.
            base_directory, version = os.path.split(version_path)
            folder = os.path.join(base_directory, _ALONE, version)
            push(version_path, folder)
        return Deployer(deployment).deploy(folder, digest(version_path))
