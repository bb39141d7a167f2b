require_relative "boot"

require "rails"
require "active_model/railtie"
require "active_job/railtie"
require "active_record/railtie"
require "active_storage/engine"
require "action_controller/railtie"
require "action_view/railtie"

Bundler.require(*Rails.groups)

module Pictures
  class Application < Rails::Application
    config.load_defaults 7.2

    # Where visitors' files are served: /uploads/blobs/proxy/…
    config.active_storage.routes_prefix = "/uploads"
    config.active_storage.resolve_model_to_route = :rails_storage_proxy
  end
end
