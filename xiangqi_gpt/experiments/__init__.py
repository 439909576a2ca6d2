"""Floor 7: comparisons of settings, and the curves of a run."""
