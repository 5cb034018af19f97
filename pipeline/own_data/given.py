"""What a command line says of one's own images."""

from dataclasses import dataclass


@dataclass(frozen=True)
class OwnData:
    """Where one's own images are.

    Attributes:
        folders: class folders, or an archive of them; None for photos with masks.
        images: photos; None for class folders.
        masks: of the photos, likewise.
        classes: names of the masks' values, or a table; None to find them.
        name: of the data set, its recipe and its places; None for the folder's.
    """

    folders: str | None = None
    images: str | None = None
    masks: str | None = None
    classes: str | None = None
    name: str | None = None

    def __bool__(self) -> bool:
        return any((self.folders, self.images, self.masks, self.classes, self.name))

    def check(self) -> None:
        """Hold the flags against each other.

        Raises:
            ValueError: they do not go together.
        """
        if bool(self.images) != bool(self.masks):
            raise ValueError("--images and --masks go together: give the folder of each.")
        if bool(self.folders) == bool(self.images):
            raise ValueError(
                "Give either --folders, where the folders' names are the classes, or --images and "
                "--masks."
            )
        if self.folders and self.classes:
            raise ValueError("--classes is of masks; class folders have names of their own.")
