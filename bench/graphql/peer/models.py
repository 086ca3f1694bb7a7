"""Videos, renditions and owners. Numbers and paths are stored as they are sent."""

from django.db import models


class Owner(models.Model):
    id = models.CharField(max_length=50, primary_key=True)
    username = models.CharField(max_length=150)


class Video(models.Model):
    id = models.CharField(max_length=50, primary_key=True)
    cursor = models.CharField(max_length=100)
    number = models.PositiveIntegerField()
    title = models.CharField(max_length=255)
    description = models.TextField(blank=True)
    visibility = models.CharField(max_length=20)
    state = models.CharField(max_length=20)
    playable = models.BooleanField()
    duration = models.FloatField(null=True)
    views = models.PositiveIntegerField(default=0)
    created_at = models.CharField(max_length=30, db_index=True)
    thumbnail_url = models.CharField(max_length=255, null=True)
    owner = models.ForeignKey(Owner, models.CASCADE)


class Rendition(models.Model):
    id = models.CharField(max_length=50, primary_key=True)
    video = models.ForeignKey(Video, models.CASCADE, related_name="renditions")
    place = models.PositiveIntegerField()
    name = models.CharField(max_length=20)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    state = models.CharField(max_length=20)
    percent = models.FloatField(null=True)
    size = models.PositiveBigIntegerField()
    bitrate_kbps = models.PositiveIntegerField()
    codecs = models.CharField(max_length=100, null=True)
    encoder = models.CharField(max_length=50, null=True)

    class Meta:
        ordering = ["place"]
