"""The API, a file a noun. Handlers hold no rules: they hand on to the service."""
