"""`python -m reference` is `course`."""

import sys

from reference.cli import main

sys.exit(main())
