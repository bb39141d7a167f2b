# What `bin/migrate` runs, before the app of this release starts.
defmodule MixApp.Release do
  # Says in storage that it began; while a file `hold` lies there it goes on, so that a test can look around meanwhile.
  def migrate do
    Application.load(:mix_app)
    storage = Application.fetch_env!(:mix_app, :storage_dir)
    version = to_string(Application.spec(:mix_app, :vsn))
    IO.puts("migrating to #{version}")
    File.write!(Path.join(storage, "migrations"), "#{version}\n", [:append])
    wait_while(Path.join(storage, "hold"))
  end

  defp wait_while(hold) do
    if File.exists?(hold) do
      Process.sleep(20)
      wait_while(hold)
    end
  end
end
