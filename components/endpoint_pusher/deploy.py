"""Serves a SavedModel of Cloud Storage on a Vertex Endpoint.

Every step looks before it does: however often a push is killed and begun again, there is one
endpoint, one version of the model for its content and container, and one deployment of that
version.
"""

import contextlib
import hashlib
from typing import TypeVar

from google.api_core.exceptions import AlreadyExists, NotFound
from google.cloud import aiplatform_v1 as vertex

from components.endpoint_pusher.config import Container, Deployment
from components.google_cloud import CloudError, explained, retrying

Resource = TypeVar("Resource", vertex.Model, vertex.Endpoint)
ROLES = "roles/aiplatform.user"
_RECIPE = "recipe"  # label
_LONGEST_DEPLOYMENT = 3600.0  # seconds; machines are started, an image and a model are loaded


def _digest(container: Container) -> str:
    """Tell one container from another, in 16 characters of hex."""
    return hashlib.sha256(container.model_dump_json().encode()).hexdigest()[:16]


def _spec(container: Container) -> vertex.ModelContainerSpec:
    return vertex.ModelContainerSpec(
        image_uri=container.image,
        command=container.command,
        args=container.args,
        env=[{"name": name, "value": value} for name, value in container.env.items()],
        ports=[{"container_port": container.port}] if container.port else [],
        predict_route=container.predict_route,
        health_route=container.health_route,
    )


class Deployer:
    """Talks to the model registry and to the endpoints of one region.

    Args:
        deployment: what is served where.
    """

    def __init__(self, deployment: Deployment) -> None:
        host = {"api_endpoint": f"{deployment.region}-aiplatform.googleapis.com"}
        self._what = deployment
        self._parent = f"projects/{deployment.project}/locations/{deployment.region}"
        with self._explained():
            self._models = vertex.ModelServiceClient(client_options=host)
            self._endpoints = vertex.EndpointServiceClient(client_options=host)

    def deploy(self, saved_model: str, digest: str) -> str:
        """Make a model answer its share of the requests, and end what it replaced.

        Args:
            saved_model: gs:// folder of the SavedModel, or of its one version where the container
                reads versions.
            digest: of its content, in hex.

        Returns:
            Resource name of the endpoint.

        Raises:
            CloudError: it does not serve; what served before still does.
        """
        with self._explained():
            alias = f"content-{digest[:32]}-{_digest(self._what.container)}"
            model = retrying()(self._registered, saved_model, alias)
            name = retrying()(self._endpoint).name
            deployed_id = retrying()(self._deployed, name, model)
            retrying()(self._send_requests, name, deployed_id)
            retrying()(self._end_others, name)
        return name

    def _explained(self) -> contextlib.AbstractContextManager[None]:
        return explained(f"Vertex AI in {self._what.project}, {self._what.region},", ROLES)

    def _registered(self, saved_model: str, alias: str) -> vertex.Model:
        """Return the version of the registry that has this content and this container."""
        name = f"{self._parent}/models/{self._what.name}"
        try:
            return self._checked(self._models.get_model(name=f"{name}@{alias}"))
        except NotFound:
            pass
        model = vertex.Model(
            display_name=self._what.name,
            artifact_uri=saved_model,
            container_spec=_spec(self._what.container),
            version_aliases=[alias],
            labels={_RECIPE: self._what.recipe},
            encryption_spec=self._encryption_spec(),
        )
        request = vertex.UploadModelRequest(parent=self._parent, model=model)
        if self._exists(name):
            request.parent_model = name
        else:
            request.model_id = self._what.name
        self._models.upload_model(request=request).result()
        return self._models.get_model(name=f"{name}@{alias}")

    def _exists(self, name: str) -> bool:
        try:
            self._checked(self._models.get_model(name=name))
        except NotFound:
            return False
        return True

    def _encryption_spec(self) -> vertex.EncryptionSpec | None:
        key = self._what.encryption_key
        return vertex.EncryptionSpec(kms_key_name=key) if key else None

    def _checked(self, found: Resource) -> Resource:
        """Return a model or endpoint made before for one recipe, which keeps its key for ever.

        Raises:
            CloudError: it was made for another recipe, or with another key than is asked for.
        """
        recipe = found.labels.get(_RECIPE, self._what.recipe)
        if recipe != self._what.recipe:
            raise CloudError(
                f"{found.name} holds models of the recipe {recipe}, not of {self._what.recipe}; "
                "set PIPELINE_NAME to a name that no other recipe has."
            )
        key, kept = self._what.encryption_key, found.encryption_spec.kms_key_name
        if key and key != kept:
            raise CloudError(
                f"{found.name} is encrypted with {kept or 'no key of yours'}, which cannot be "
                "changed; delete it, or set another PIPELINE_NAME, or unset ENCRYPTION_KEY."
            )
        return found

    def _endpoint(self) -> vertex.Endpoint:
        name = f"{self._parent}/endpoints/{self._what.name}"
        try:
            return self._checked(self._endpoints.get_endpoint(name=name))
        except NotFound:
            pass
        with contextlib.suppress(AlreadyExists):  # another run at the same time makes it
            self._endpoints.create_endpoint(
                parent=self._parent,
                # Takes requests of 10 MB; a shared one takes 1.5 MB, which is little for a photo.
                endpoint=vertex.Endpoint(
                    display_name=self._what.name,
                    labels={_RECIPE: self._what.recipe},
                    dedicated_endpoint_enabled=True,
                    encryption_spec=self._encryption_spec(),
                ),
                endpoint_id=self._what.name,
            ).result()
        return self._checked(self._endpoints.get_endpoint(name=name))

    def _deployed(self, endpoint: str, model: vertex.Model) -> str:
        """Id of the version's deployment, which is made without requests where there is none."""
        if found := self._find(endpoint, model):
            return found
        self._endpoints.deploy_model(
            endpoint=endpoint,
            deployed_model=vertex.DeployedModel(
                model=f"{model.name}@{model.version_id}",
                display_name=f"{self._what.name}-{model.version_id}",
                service_account=self._what.service_account or "",
                dedicated_resources=vertex.DedicatedResources(
                    machine_spec=vertex.MachineSpec(machine_type=self._what.machine_type),
                    min_replica_count=1,
                    max_replica_count=self._what.max_replicas,
                ),
            ),
        ).result(timeout=_LONGEST_DEPLOYMENT)
        return self._find(endpoint, model) or ""

    def _find(self, endpoint: str, model: vertex.Model) -> str | None:
        plain_name = model.name.split("@")[0]
        for deployed in self._endpoints.get_endpoint(name=endpoint).deployed_models:
            version = (deployed.model.split("@")[0], deployed.model_version_id)
            if version == (plain_name, model.version_id):
                return deployed.id
        return None

    def _send_requests(self, name: str, deployed_id: str) -> None:
        endpoint = self._endpoints.get_endpoint(name=name)
        answering = [one for one in endpoint.deployed_models if endpoint.traffic_split.get(one.id)]
        # Canaries come and go, whatever their share: what has been there longest served before.
        before = min(answering, key=lambda one: one.create_time).id if answering else deployed_id
        split = {deployed_id: 100}
        if before != deployed_id and self._what.traffic < 100:
            split = {deployed_id: self._what.traffic, before: 100 - self._what.traffic}
        if dict(endpoint.traffic_split) != split:
            self._endpoints.update_endpoint(
                endpoint=vertex.Endpoint(name=name, traffic_split=split),
                update_mask={"paths": ["traffic_split"]},
            )

    def _end_others(self, name: str) -> None:
        """Undeploys what no request goes to; its machines cost money."""
        endpoint = self._endpoints.get_endpoint(name=name)
        for deployed in endpoint.deployed_models:
            if not endpoint.traffic_split.get(deployed.id):
                self._endpoints.undeploy_model(endpoint=name, deployed_model_id=deployed.id).result(
                    timeout=_LONGEST_DEPLOYMENT
                )
