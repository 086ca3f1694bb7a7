"""The list twice: as Clipsy sends it, and with the fields that the original product documents."""

from django.contrib.auth import get_user_model
from django.urls import path
from rest_framework.generics import ListAPIView
from rest_framework.serializers import ModelSerializer

from peer.models import Quality, Video

DOCUMENTED = ["id", "title", "description", "thumbnail", "duration", "views", "created_at", "status",
              "hls_playlist", "qualities"]


class QualitySerializer(ModelSerializer):
    class Meta:
        model = Quality
        fields = ["id", "quality", "resolution", "bitrate", "file_size", "playlist_path"]


class OwnerSerializer(ModelSerializer):
    class Meta:
        model = get_user_model()
        fields = ["id", "username"]


class DocumentedSerializer(ModelSerializer):
    qualities = QualitySerializer(many=True)

    class Meta:
        model = Video
        fields = DOCUMENTED


class WholeSerializer(ModelSerializer):
    qualities = QualitySerializer(many=True)
    owner = OwnerSerializer()

    class Meta:
        model = Video
        fields = [*DOCUMENTED, "visibility", "playable", "state", "owner", "storyboard", "failure", "progress"]


class DocumentedList(ListAPIView):
    """Two statements, however many videos there are."""

    queryset = Video.objects.filter(visibility="public").order_by("-created_at", "-id").prefetch_related("qualities")
    serializer_class = DocumentedSerializer


class WholeList(DocumentedList):
    queryset = DocumentedList.queryset.select_related("owner")
    serializer_class = WholeSerializer


urlpatterns = [
    path("api/videos/", WholeList.as_view()),
    path("documented/videos/", DocumentedList.as_view()),
]
