"""The page of videos as Strawberry GraphQL makes it on Django."""
