# Everything of the Phoenix example that can be proved where Phoenix itself cannot be installed. Run in its directory.
for file <- Path.wildcard("*.exs") ++ Path.wildcard("{config,lib}/**/*.{ex,exs}") do
  Code.string_to_quoted!(File.read!(file), file: file)
end

read = fn environment ->
  System.put_env(environment)
  config = Config.Reader.read!("config/runtime.exs", env: :prod)
  System.delete_env("STORAGE_DIR")
  config[:pictures]
end

given = %{"PHX_HOST" => "pictures.example.com", "PORT" => "4000", "SECRET_KEY_BASE" => "secret", "PHX_SERVER" => "true"}
[storage] = System.argv()

on_potions = read.(Map.put(given, "STORAGE_DIR", storage))
^storage = on_potions[:storage]
endpoint = on_potions[PicturesWeb.Endpoint]
true = endpoint[:server]
[ip: {127, 0, 0, 1}, port: 4000] = Enum.sort(endpoint[:http])
fallback = Path.join(File.cwd!(), "storage")
^fallback = read.(given)[:storage]

Code.require_file("lib/pictures/storage.ex")
Application.put_env(:pictures, :storage, storage)
Pictures.Storage.provide()
arrived = Path.join(System.tmp_dir!(), "arrived-#{System.unique_integer([:positive])}")
File.write!(arrived, "a picture")
name = Pictures.Storage.keep(arrived, ".png")
[^name] = Pictures.Storage.names()
"a picture" = File.read!(Path.join([storage, "uploads", name]))
[^name] = File.ls!(Path.join(storage, "uploads"))
File.rm!(arrived)
IO.puts("proved")
