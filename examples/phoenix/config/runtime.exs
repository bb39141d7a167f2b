import Config

# Potions sets STORAGE_DIR. Without it, on a developer's computer, storage/ of the project takes its place.
config :pictures, :storage, System.get_env("STORAGE_DIR") || Path.expand("storage")

if System.get_env("PHX_SERVER") do
  config :pictures, PicturesWeb.Endpoint, server: true
end

if config_env() == :prod do
  config :pictures, PicturesWeb.Endpoint,
    url: [host: System.fetch_env!("PHX_HOST"), port: 443, scheme: "https"],
    http: [ip: {127, 0, 0, 1}, port: String.to_integer(System.fetch_env!("PORT"))],
    secret_key_base: System.fetch_env!("SECRET_KEY_BASE")
end
