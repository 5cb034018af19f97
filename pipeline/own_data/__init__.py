"""From folders of one's own images to a recipe: what the data are decides what is trained."""
