defmodule Pictures.Storage do
  @moduledoc "The pictures that visitors upload: files in the persistent directory."

  @kinds ~w(.gif .jpeg .jpg .png .webp)

  def kinds, do: @kinds

  @doc "Where they are. Known only at run time: `config/runtime.exs` reads it."
  def uploads, do: Path.join(Application.fetch_env!(:pictures, :storage), "uploads")

  def provide, do: File.mkdir_p!(uploads())

  def names do
    uploads() |> File.ls!() |> Enum.filter(&(Path.extname(&1) in @kinds)) |> Enum.sort()
  end

  @doc """
  Keeps a file that has arrived, and returns its new name: what a visitor calls a file is never a path here.

  Copied beside, synced, renamed: nobody ever sees half a picture. The copy is needed because a file can be renamed
  within one file system only, and uploads arrive in the system's temporary directory.
  """
  def keep(arrived, kind) when kind in @kinds do
    name = Base.encode16(:crypto.strong_rand_bytes(8), case: :lower) <> kind
    part = Path.join(uploads(), "." <> name)
    File.cp!(arrived, part)
    :ok = File.open!(part, [:read, :append], &:file.sync/1)
    File.rename!(part, Path.join(uploads(), name))
    name
  end
end
