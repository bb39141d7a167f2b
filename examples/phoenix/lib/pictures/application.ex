defmodule Pictures.Application do
  @moduledoc false
  use Application

  @impl true
  def start(_type, _args) do
    Pictures.Storage.provide()

    children = [
      {Phoenix.PubSub, name: Pictures.PubSub},
      PicturesWeb.Endpoint
    ]

    Supervisor.start_link(children, strategy: :one_for_one, name: Pictures.Supervisor)
  end
end
