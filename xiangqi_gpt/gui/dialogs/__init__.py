"""Dialogs over the window: each draws itself on a canvas and takes events until it is closed."""
