"""The JSON Schema of results.json, `fixtures/results.schema.json`."""

import json

from jsonschema import Draft202012Validator

from spec_tests import paths
from spec_tests.report.results import Results

SCHEMA = json.loads(paths.RESULTS_SCHEMA.read_text(encoding="utf-8"))


def problems(document: Results) -> list[str]:
    """Return the schema's messages about a document; none where it is valid."""
    Draft202012Validator.check_schema(SCHEMA)
    return [error.message for error in Draft202012Validator(SCHEMA).iter_errors(document)]
