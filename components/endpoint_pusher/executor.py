"""The serving pusher, with a Vertex Endpoint behind the folder of versions."""

import json
from typing import Any

from tfx.types import standard_component_specs

from components.endpoint_pusher.config import Deployment
from components.endpoint_pusher.deploy import Deployer
from components.serving_pusher import executor
from components.serving_pusher.push import digest


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
        deployer = Deployer(Deployment.model_validate(told["deployment"]))
        return deployer.deploy(version_path, digest(version_path))
