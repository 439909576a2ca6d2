"""Floor 7: smaller models from trained ones."""
