"""What a project's own files show of it, and the ``potions.toml`` that fits. Nothing here runs or reads anything."""
