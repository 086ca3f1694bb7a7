"""The list of videos as the original product makes it, with Django REST framework."""
