"""Makes the tables and fills them with the list in the JSON file that is named: what Clipsy sends."""

import json
import sys

import django

django.setup()

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.utils.dateparse import parse_datetime

from peer.models import Quality, Video

call_command("migrate", "--run-syncdb", verbosity=0)
with open(sys.argv[1], encoding="utf-8") as file:
    listed = json.load(file)
for video in listed:
    qualities, owner = video.pop("qualities"), video.pop("owner")
    user, _ = get_user_model().objects.get_or_create(id=owner["id"], username=owner["username"])
    made = Video.objects.create(**{**video, "created_at": parse_datetime(video["created_at"])}, owner=user)
    Quality.objects.bulk_create(Quality(video=made, **quality) for quality in qualities)
