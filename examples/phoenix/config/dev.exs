import Config

config :pictures, PicturesWeb.Endpoint,
  http: [ip: {127, 0, 0, 1}, port: String.to_integer(System.get_env("PORT", "4000"))],
  code_reloader: false,
  debug_errors: true,
  server: true,
  secret_key_base: String.duplicate("only-for-development", 4)
