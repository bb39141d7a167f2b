# A web app without dependencies, built as a real Mix release by the stories about Erlang.
defmodule MixApp.MixProject do
  use Mix.Project

  def project do
    [
      app: :mix_app,
      version: System.get_env("MIX_APP_VERSION", "0.1.0"),
      elixir: "~> 1.14",
      deps: [],
      releases: [mix_app: [include_executables_for: [:unix]]]
    ]
  end

  def application, do: [extra_applications: [:logger], mod: {MixApp.Application, []}]
end
