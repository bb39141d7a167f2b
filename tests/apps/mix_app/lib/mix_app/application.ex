# Starts the web server. MIX_APP_BOOT=crash makes the whole node end with a crash dump, as a failed boot does.
defmodule MixApp.Application do
  use Application

  @impl true
  def start(_type, _arguments) do
    if Application.fetch_env!(:mix_app, :boot) == "crash", do: raise("this release was told to crash")
    File.mkdir_p!(Application.fetch_env!(:mix_app, :storage_dir))
    Supervisor.start_link([MixApp.Server], strategy: :one_for_one)
  end

  # A file and not a line of output, which may get lost while the node goes down.
  @impl true
  def stop(_state), do: File.write!(Path.join(Application.fetch_env!(:mix_app, :storage_dir), "ended"), "#{node()}\n")
end
