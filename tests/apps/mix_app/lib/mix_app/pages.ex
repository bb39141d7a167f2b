# What the app answers: `/` says who it is, as JSON; `/file?path=` reads and writes files as the app itself would.
defmodule MixApp.Pages do
  def answer(:GET, %URI{path: "/"}, _body), do: {"200 OK", json(about())}
  def answer(:GET, %URI{path: "/file"} = uri, _body), do: read(path_of(uri))
  def answer(:PUT, %URI{path: "/file"} = uri, body), do: write(path_of(uri), body)
  def answer(_method, _uri, _body), do: {"404 Not Found", "nothing here\n"}

  defp about do
    %{
      "version" => to_string(Application.spec(:mix_app, :vsn)),
      "release" => System.get_env("RELEASE_VSN", ""),
      "node" => to_string(node()),
      "storage" => Application.fetch_env!(:mix_app, :storage_dir),
      "pid" => System.pid(),
      "cwd" => File.cwd!()
    }
  end

  defp path_of(%URI{query: query}), do: query |> URI.decode_query() |> Map.fetch!("path")

  defp read(path) do
    case File.read(path) do
      {:ok, bytes} -> {"200 OK", bytes}
      {:error, reason} -> {"404 Not Found", "#{reason}\n"}
    end
  end

  defp write(path, body) do
    File.mkdir_p!(Path.dirname(path))
    File.write!(path, body)
    {"201 Created", ""}
  end

  # Names and paths only, so nothing but these two needs a backslash.
  defp json(map), do: "{" <> Enum.map_join(map, ", ", fn {key, value} -> "#{quoted(key)}: #{quoted(value)}" end) <> "}"
  defp quoted(text), do: ~s(") <> String.replace(text, ["\\", "\""], &("\\" <> &1)) <> ~s(")
end
