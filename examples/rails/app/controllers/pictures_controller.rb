class PicturesController < ApplicationController
  def index
    @pictures = Picture.with_attached_file.order(created_at: :desc)
  end

  def create
    picture = Picture.create(file: params[:picture])
    if picture.persisted?
      redirect_to url_for(picture.file), status: :see_other
    else
      render plain: picture.errors.full_messages.to_sentence, status: :unprocessable_entity
    end
  end
end
