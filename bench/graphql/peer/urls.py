"""The API: one page of a connection, as Clipsy has it."""

from typing import NewType

import strawberry
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from strawberry.django.views import GraphQLView
from strawberry.schema.config import StrawberryConfig

from peer import models

BigInt = NewType("BigInt", int)


@strawberry.type
class Owner:
    id: strawberry.ID
    username: str


@strawberry.type
class Rendition:
    id: strawberry.ID
    name: str
    width: int
    height: int
    state: str
    percent: float | None
    bitrate_kbps: int
    codecs: str | None
    encoder: str | None
    bytes: BigInt


@strawberry.type
class Video:
    id: strawberry.ID
    number: int
    title: str
    description: str
    visibility: str
    state: str
    playable: bool
    duration: float | None
    views: int
    created_at: str
    thumbnail_url: str | None
    owner: Owner
    renditions: list[Rendition]


@strawberry.type
class Edge:
    cursor: str
    node: Video


@strawberry.type
class PageInfo:
    has_next_page: bool
    end_cursor: str | None


@strawberry.type
class Connection:
    edges: list[Edge]
    page_info: PageInfo
    total_count: int


def rendition(row):
    return Rendition(
        id=row.id, name=row.name, width=row.width, height=row.height, state=row.state, percent=row.percent,
        bitrate_kbps=row.bitrate_kbps, codecs=row.codecs, encoder=row.encoder, bytes=row.size,
    )


def video(row):
    return Video(
        id=row.id, number=row.number, title=row.title, description=row.description, visibility=row.visibility,
        state=row.state, playable=row.playable, duration=row.duration, views=row.views, created_at=row.created_at,
        thumbnail_url=row.thumbnail_url, owner=Owner(id=row.owner.id, username=row.owner.username),
        renditions=[rendition(r) for r in row.renditions.all()],
    )


@strawberry.type
class Query:
    @strawberry.field
    def videos(self, first: int) -> Connection:
        """Three statements, however many videos there are."""
        public = models.Video.objects.filter(visibility="PUBLIC")
        listed = public.order_by("-created_at", "-number").select_related("owner").prefetch_related("renditions")
        rows = list(listed[: first + 1])
        edges = [Edge(cursor=row.cursor, node=video(row)) for row in rows[:first]]
        return Connection(
            edges=edges,
            page_info=PageInfo(has_next_page=len(rows) > first, end_cursor=edges[-1].cursor if edges else None),
            total_count=public.count(),
        )


config = StrawberryConfig(scalar_map={BigInt: strawberry.scalar(name="BigInt", serialize=int, parse_value=int)})
schema = strawberry.Schema(query=Query, config=config)
urlpatterns = [path("graphql", csrf_exempt(GraphQLView.as_view(schema=schema, graphql_ide=None)))]
