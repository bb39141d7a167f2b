defmodule PicturesWeb.PicturesLive do
  use Phoenix.LiveView
  alias Pictures.Storage

  @impl true
  def mount(_params, _session, socket) do
    socket = allow_upload(socket, :picture, accept: Storage.kinds(), max_file_size: 20_000_000)
    {:ok, assign(socket, :names, Storage.names())}
  end

  @impl true
  def handle_event("choose", _params, socket), do: {:noreply, socket}

  # Each file that has arrived is moved into the storage; LiveView removes what is left of it afterwards.
  def handle_event("upload", _params, socket) do
    consume_uploaded_entries(socket, :picture, fn %{path: path}, entry ->
      {:ok, Storage.keep(path, entry.client_name |> Path.extname() |> String.downcase())}
    end)

    {:noreply, assign(socket, :names, Storage.names())}
  end

  @impl true
  def render(assigns) do
    ~H"""
    <h1>Pictures</h1>
    <form id="upload" phx-change="choose" phx-submit="upload">
      <.live_file_input upload={@uploads.picture} required />
      <button>Upload</button>
    </form>
    <a :for={name <- @names} href={"/uploads/#{name}"}><img src={"/uploads/#{name}"} alt="" /></a>
    <p :if={@names == []}>None yet.</p>
    """
  end
end
