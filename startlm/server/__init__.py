"""REST over one bundle, first form: this machine only."""
