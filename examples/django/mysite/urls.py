from django.contrib import admin
from django.urls import path
from pictures import views

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", views.index),
    path("upload", views.upload),
    path("uploads/<str:name>", views.uploaded),
    path("health", views.health),
]
