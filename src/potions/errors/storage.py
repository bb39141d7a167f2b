"""What is stored."""

from __future__ import annotations

from potions.errors.error import PotionsError


class StoredPathRefused(PotionsError):
    """A path that cannot be one of a file in an app's storage: absolute, with `..` or a NUL in it, or too long."""

    code = "stored-path-refused"
    exit_status = 2


class StoredUnknown(PotionsError):
    """Nothing of that name is in the app's storage."""

    code = "stored-unknown"
    http_status = 404


class StoredTaken(PotionsError):
    """Something of that name is in the app's storage already, and replacing it was not asked for."""

    code = "stored-taken"
    http_status = 409


class StoredLink(PotionsError):
    """A symbolic link in the app's storage, where a file or a folder is needed: Potions follows none."""

    code = "stored-link"
    http_status = 409


class StoredKindRefused(PotionsError):
    """A folder where a file is needed, or a file where a folder is; or a device, a socket or a named pipe."""

    code = "stored-kind"
    http_status = 409


class StoredNotEmpty(PotionsError):
    """A folder that has something in it, and was to be removed as if it had not."""

    code = "stored-not-empty"
    http_status = 409


class StoredForbidden(PotionsError):
    """A file or a folder in the app's storage that its owner or its mode keeps even the app's own user away from."""

    code = "stored-forbidden"
    http_status = 403


class StoredChanged(PotionsError):
    """A file or a folder that the app changed, moved or removed while Potions worked on it."""

    code = "stored-changed"
    http_status = 409
    retry = True


class UploadBroken(PotionsError):
    """Files on their way into a storage that did not arrive whole, or cannot be kept there; none of them was kept."""

    code = "upload-broken"


class RangeRefused(PotionsError):
    """A part of a file that it does not have."""

    code = "range-refused"
    http_status = 416


class PictureRefused(PotionsError):
    """A stored file of which the dashboard draws no picture: no picture, a damaged one, or one that is too large."""

    code = "picture-refused"
    http_status = 422


class LocalFileRefused(PotionsError):
    """A file or a folder of this computer that cannot be sent to a storage, or not be written."""

    code = "local-file-refused"
    exit_status = 2
