"""Model to text: sites of Caddy, programs of supervisord, environment files. Pure; golden files show every case."""
