"""Videos and their qualities. Paths are stored as they are sent, so that none is put together later."""

from django.conf import settings
from django.db import models


class Video(models.Model):
    title = models.CharField(max_length=255)
    description = models.TextField(blank=True)
    thumbnail = models.CharField(max_length=255, null=True)
    duration = models.FloatField(null=True)
    views = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(db_index=True)
    status = models.CharField(max_length=20)
    hls_playlist = models.CharField(max_length=255, null=True)
    visibility = models.CharField(max_length=20)
    playable = models.BooleanField()
    state = models.CharField(max_length=20)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)
    storyboard = models.CharField(max_length=255, null=True)
    failure = models.JSONField(null=True)
    progress = models.JSONField(null=True)


class Quality(models.Model):
    video = models.ForeignKey(Video, models.CASCADE, related_name="qualities")
    quality = models.CharField(max_length=20)
    resolution = models.CharField(max_length=20)
    bitrate = models.PositiveIntegerField()
    file_size = models.PositiveBigIntegerField()
    playlist_path = models.CharField(max_length=255)

    class Meta:
        ordering = ["id"]
