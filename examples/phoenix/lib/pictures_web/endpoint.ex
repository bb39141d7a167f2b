defmodule PicturesWeb.Endpoint do
  use Phoenix.Endpoint, otp_app: :pictures

  @session_options [store: :cookie, key: "_pictures_key", signing_salt: "kX9z2uQe", same_site: "Lax"]

  socket "/live", Phoenix.LiveView.Socket, websocket: [connect_info: [session: @session_options]]

  plug :uploads

  # What the release brings along. None of these sees the storage.
  plug Plug.Static, at: "/", from: :pictures, only: ~w(style.css)
  plug Plug.Static, at: "/js", from: {:phoenix, "priv/static"}, only: ~w(phoenix.min.js)
  plug Plug.Static, at: "/js", from: {:phoenix_live_view, "priv/static"}, only: ~w(phoenix_live_view.min.js)

  plug Plug.RequestId
  plug Plug.Telemetry, event_prefix: [:phoenix, :endpoint]
  plug Plug.Parsers, parsers: [:urlencoded, :multipart, :json], pass: ["*/*"], json_decoder: Phoenix.json_library()
  plug Plug.Head
  plug Plug.Session, @session_options
  plug PicturesWeb.Router

  # A function, because the path is known only at run time: `plug Plug.Static, from: …` would fix it when the release
  # is compiled, on another computer.
  defp uploads(conn, _options) do
    Plug.Static.call(conn, Plug.Static.init(at: "/uploads", from: Pictures.Storage.uploads()))
  end
end
