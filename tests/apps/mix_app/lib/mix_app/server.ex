# A small HTTP server on 127.0.0.1:$PORT: one request a connection.
defmodule MixApp.Server do
  use GenServer

  def start_link(_options), do: GenServer.start_link(__MODULE__, Application.fetch_env!(:mix_app, :port))

  @impl true
  def init(port) do
    options = [:binary, packet: :http_bin, active: false, reuseaddr: true, ip: {127, 0, 0, 1}, backlog: 128]

    with {:ok, listener} <- :gen_tcp.listen(port, options) do
      IO.puts("mix_app listens on #{port}")
      {:ok, spawn_link(fn -> accept(listener) end)}
    end
  end

  defp accept(listener) do
    {:ok, socket} = :gen_tcp.accept(listener)
    server = spawn(fn -> serve(socket) end)
    :gen_tcp.controlling_process(socket, server)
    send(server, :yours)
    accept(listener)
  end

  defp serve(socket) do
    receive do: (:yours -> :ok)
    {:ok, {:http_request, method, {:abs_path, path}, _version}} = :gen_tcp.recv(socket, 0)
    length = content_length(socket, 0)
    :ok = :inet.setopts(socket, packet: :raw)
    {status, body} = MixApp.Pages.answer(method, URI.parse(path), content(socket, length))
    head = "HTTP/1.1 #{status}\r\ncontent-length: #{byte_size(body)}\r\nconnection: close\r\n\r\n"
    :gen_tcp.send(socket, [head, body])
    :gen_tcp.close(socket)
  end

  defp content_length(socket, found) do
    case :gen_tcp.recv(socket, 0) do
      {:ok, {:http_header, _, :"Content-Length", _, value}} -> content_length(socket, String.to_integer(value))
      {:ok, {:http_header, _, _, _, _}} -> content_length(socket, found)
      {:ok, :http_eoh} -> found
    end
  end

  defp content(_socket, 0), do: ""

  defp content(socket, length) do
    {:ok, bytes} = :gen_tcp.recv(socket, length)
    bytes
  end
end
