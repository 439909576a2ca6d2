"""Floor 7: smaller models out of trained ones."""
