from django.core.validators import FileExtensionValidator
from django.db import models
from django.utils.crypto import get_random_string


def name_of_our_own(picture, filename):
    """What a visitor calls a file is never a path here; only its kind is kept."""
    return f"{get_random_string(16)}.{filename.rpartition('.')[2].lower()}"


class Picture(models.Model):
    file = models.FileField(
        upload_to=name_of_our_own,
        validators=[FileExtensionValidator(["gif", "jpeg", "jpg", "png", "webp"])],
    )
    uploaded = models.DateTimeField(auto_now_add=True)
