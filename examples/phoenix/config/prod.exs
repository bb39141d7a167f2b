import Config

# The proxy speaks HTTPS with visitors, and says so.
config :pictures, PicturesWeb.Endpoint, force_ssl: [rewrite_on: [:x_forwarded_proto]]

config :logger, level: :info
