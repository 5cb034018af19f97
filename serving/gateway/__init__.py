"""This project's own server: what it does whichever protocol it is asked by."""
