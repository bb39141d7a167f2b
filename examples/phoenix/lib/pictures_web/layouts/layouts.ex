defmodule PicturesWeb.Layouts do
  use Phoenix.Component

  def root(assigns) do
    ~H"""
    <!DOCTYPE html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <meta name="csrf-token" content={Plug.CSRFProtection.get_csrf_token()} />
        <title>Pictures</title>
        <link rel="stylesheet" href="/style.css" />
        <script src="/js/phoenix.min.js">
        </script>
        <script src="/js/phoenix_live_view.min.js">
        </script>
      </head>
      <body>
        {@inner_content}
        <script>
          const token = document.querySelector("meta[name='csrf-token']").getAttribute("content")
          new LiveView.LiveSocket("/live", Phoenix.Socket, {params: {_csrf_token: token}}).connect()
        </script>
      </body>
    </html>
    """
  end
end
