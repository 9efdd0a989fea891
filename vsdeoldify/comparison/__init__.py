"""How close colourings come to true colours."""
