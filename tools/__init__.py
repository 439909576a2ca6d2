"""Programs that make what the repository carries, and the short GPU run: not in the wheel."""
