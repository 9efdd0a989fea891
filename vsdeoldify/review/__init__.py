"""Pictures of a film for people to look at and to correct."""
