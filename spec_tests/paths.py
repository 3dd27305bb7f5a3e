"""Paths of the project's files and folders, for the tests, the tools and the benchmarks."""

from pathlib import Path

SPEC_TESTS = Path(__file__).parent
ROOT = SPEC_TESTS.parent
DOCS = ROOT / "docs"
REFERENCE = ROOT / "reference"
FIXTURES = ROOT / "fixtures"

CLAIMS = FIXTURES / "claims"
IMAGES = FIXTURES / "images"
INSECTS = IMAGES / "insects"
LESSONS = FIXTURES / "lessons.toml"
PRINTOUTS = FIXTURES / "printouts"
RESULTS_SCHEMA = FIXTURES / "results.schema.json"
PROTOCOL_SCHEMA = FIXTURES / "protocol.schema.json"
VECTORS = FIXTURES / "vectors"
VECTORS_SCHEMA = VECTORS / "vectors.schema.json"
TEMPLATES = SPEC_TESTS / "report" / "templates"
