"""The API answers as /openapi.json says: what is described is taken, what is not is refused in a described way.

By schemathesis, in process and the same every time: it derives requests, also wrong ones, from the description.
"""

import schemathesis
from hypothesis import HealthCheck, settings

from novacron.api.app import create_app
from tests.support.stub_backend import StubBackend

schema = schemathesis.openapi.from_asgi("/openapi.json", create_app(StubBackend()))


@schema.parametrize()
@settings(max_examples=25, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_endpoint_answers_as_described(case):
    case.call_and_validate()
