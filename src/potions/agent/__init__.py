"""The process with the rights: the API on a unix socket, the queue of deployments, recovery at start."""
