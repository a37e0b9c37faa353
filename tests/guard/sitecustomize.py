"""Read by every Python that a test starts (PYTHONPATH, set in conftest.py): puts the guard of offline.py there too."""

import sys

import offline

sys.addaudithook(offline.watch)
