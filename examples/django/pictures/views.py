from django.db import connection
from django.forms import modelform_factory
from django.http import FileResponse, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from pictures.models import Picture

PictureForm = modelform_factory(Picture, fields=["file"])


def index(request):
    return render(request, "index.html", {"form": PictureForm(), "pictures": Picture.objects.order_by("-uploaded")})


@require_POST
def upload(request):
    form = PictureForm(request.POST, request.FILES)
    if not form.is_valid():
        return render(request, "index.html", {"form": form}, status=400)
    return redirect(form.save().file.url)


def uploaded(request, name):
    """Serve what somebody uploaded: found in the database, so no path of a visitor's ever reaches the disk."""
    picture = get_object_or_404(Picture, file=name)
    return FileResponse(picture.file.open())


def health(request):
    connection.ensure_connection()
    return HttpResponse("ok\n", content_type="text/plain")
