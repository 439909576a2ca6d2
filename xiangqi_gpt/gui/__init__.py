"""The window: headless state, actions and layout; pygame begins at the renderer."""
