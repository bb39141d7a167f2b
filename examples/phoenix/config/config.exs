import Config

config :pictures, PicturesWeb.Endpoint,
  adapter: Bandit.PhoenixAdapter,
  url: [host: "localhost"],
  render_errors: [formats: [html: PicturesWeb.ErrorHTML], layout: false],
  pubsub_server: Pictures.PubSub,
  live_view: [signing_salt: "a5mPOCYv"]

config :phoenix, :json_library, Jason

import_config "#{config_env()}.exs"
