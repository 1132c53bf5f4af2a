"""Google Cloud's Secret Manager: drongo, with what it leaves out: `google.py PORT`.

As the service documents it: an update with an `etag` that is not the secret's is refused with
FAILED_PRECONDITION and changes nothing; each update gives a new one; adding a version does not.
Annotations are kept. `latest` is the version that was added last, whatever state it is in.
"""

import sys

from drongo import server, services  # noqa: F401
from drongo.core import exceptions, registry
from drongo.core.registry import ServiceDefinition
from drongo.core.responses import json_response
from drongo.services.secretmanager import SecretManagerResponse, models, urls

kept = {}


def of(secret):
    return kept.setdefault(id(secret), {"secret": secret, "etag": 1, "annotations": {}})


def to_resource(secret, plain=models.Secret.to_resource):
    more = of(secret)
    return plain(secret) | {"etag": f'"{more["etag"]}"', "annotations": more["annotations"]}


def resolve(backend, secret, version, plain=models.SecretManagerBackend._resolve_version):
    if version == "latest" and secret.versions:
        return secret.versions[-1]
    return plain(backend, secret, version)


models.Secret.to_resource = to_resource
models.SecretManagerBackend._resolve_version = resolve


class Responses(SecretManagerResponse):
    def create_secret(self, request):
        answer = super().create_secret(request)
        secret = self.backend_for(request).get_secret(request.param("secretId"))
        of(secret)["annotations"] = request.json().get("annotations", {})
        return answer

    def update_secret(self, request):
        secret = self.backend_for(request).get_secret(request.path_params["secret"])
        body, more = request.json(), of(secret)
        if body.get("etag", f'"{more["etag"]}"') != f'"{more["etag"]}"':
            raise exceptions.DrongoHttpError(
                400, "The etag does not match.", reason="failedPrecondition", status="FAILED_PRECONDITION"
            )
        more["etag"] += 1
        if "annotations" in request.param("updateMask"):
            more["annotations"] = body.get("annotations", {})
        return json_response(secret.to_resource())


paths = {route: getattr(Responses, how.__name__) for route, how in urls.url_paths.items()}
secrets = next(one for one in registry.iter_services() if one.name == "secretmanager")
response = Responses(urls.url_bases, paths)
registry.register_service(
    ServiceDefinition(name="secretmanager", backends=secrets.backends, response=response, patchers=secrets.patchers)
)
server.run("127.0.0.1", int(sys.argv[1]))
