defmodule PicturesWeb.HealthController do
  use Phoenix.Controller, formats: [:html]

  def show(conn, _params), do: text(conn, "ok\n")
end
