class Picture < ApplicationRecord
  KINDS = %w[image/gif image/jpeg image/png image/webp]

  has_one_attached :file
  validate :file_is_a_picture

  private
    # By what the file is: Active Storage has looked into it.
    def file_is_a_picture
      errors.add(:file, "has to be a picture") unless file.attached? && KINDS.include?(file.content_type)
    end
end
