"""A game being played, without any screen: its state, commands, player thread, settings and files."""
