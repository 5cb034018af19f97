"""Networks compared: each is trained for as long on the same images, and judged alike."""
