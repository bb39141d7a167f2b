# Read at every boot, and by every `bin/mix_app eval`.
import Config

config :mix_app,
  port: String.to_integer(System.get_env("PORT", "4000")),
  storage_dir: System.get_env("STORAGE_DIR", Path.expand("storage")),
  boot: System.get_env("MIX_APP_BOOT", "well")
