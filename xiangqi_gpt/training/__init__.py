"""Floor 7: from game records to trained weights."""
