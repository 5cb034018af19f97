"""How raw images become shards: a converter and its options, as a recipe names them."""

from __future__ import annotations

import hashlib
from pathlib import PurePosixPath
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from tfrecords import storage
from tfrecords.errors import DataError

_FOLDERS = ("images", "masks")


class Conversion(BaseModel):
    """A converter, and where within a folder it finds what it reads.

    Attributes are the options of the converters' command lines.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    converter: Literal["pets", "masks", "class_folders"] = Field(
        description="tfrecords.create_tfrecords_pets, .sources.masks or "
        ".create_tfrecords_class_folders."
    )
    images: str = Field(default="images", description="Folder of images, `.` for the whole.")
    masks: str = Field(default="masks", description="Folder of masks, or of trimaps.")
    classes: str | None = Field(
        default=None, description="Of masks: names by value, or a table's path within the folder."
    )
    ignore: str | None = Field(default=None, description="Of masks: what pixels of no class hold.")
    class_names: str | None = Field(default=None, description="Of class folders: names by id.")
    val_share: float = Field(default=0.1, ge=0, lt=1, description="Of class folders.")
    calibration: float = Field(default=0.0, ge=0, lt=1, description="Of class folders.")
    max_side: int = Field(default=256, gt=0, description="Long side, pixels.")
    num_shards: int = Field(default=4, gt=0, description="Training shards.")
    skip_invalid: bool = Field(default=False, description="Leave bad files out.")

    @field_validator(*_FOLDERS)
    @classmethod
    def _within(cls, folder: str) -> str:
        path = PurePosixPath(folder)
        if path.is_absolute() or ".." in path.parts:
            raise ValueError("expected a folder within the data, such as images")
        return folder

    @model_validator(mode="after")
    def _classes_are_named(self) -> Self:
        if self.converter == "masks" and not self.classes:
            raise ValueError("convert: masks need `classes`, such as leaf,background")
        return self

    @property
    def digest(self) -> str:
        """Tells conversions apart, in 8 hex digits."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:8]

    def run(self, folder: str, output: str) -> None:
        """Convert; the set is published as a whole, or not at all.

        Args:
            folder: of the raw data.
            output: folder that will hold the shards and `dataset.json`.

        Raises:
            DataError: a fault of the data, every bad file being named.
        """
        images = self._find(folder, self.images)
        if self.converter == "class_folders":
            self._run_class_folders(images, output)
        else:
            self._run_masks(images, folder, output)

    def _find(self, folder: str, name: str) -> str:
        path = folder if name == "." else storage.join(folder, name)
        if not storage.exists(path):
            raise DataError(
                f"The data have no folder {name}, in which the recipe's table [convert] looks; "
                "correct the table, or the path of the data."
            )
        return path

    def _run_class_folders(self, images: str, output: str) -> None:
        from tfrecords import create_tfrecords_class_folders as converter
        from tfrecords.build import Options

        converter.create_tfrecords(
            images,
            output,
            Options(self.max_side, self.num_shards, self.skip_invalid),
            val_share=self.val_share,
            calibration=self.calibration,
            class_names=self.class_names,
        )

    def _run_masks(self, images: str, folder: str, output: str) -> None:
        from tfrecords.create_tfrecords_pets import create_tfrecords
        from tfrecords.sources.class_table import read_classes
        from tfrecords.sources.masks import reading

        masks = self._find(folder, self.masks)
        options: dict[str, Any] = {
            "max_side": self.max_side,
            "num_shards": self.num_shards,
            "skip_invalid": self.skip_invalid,
        }
        if self.converter == "pets":
            create_tfrecords(images, masks, output, **options)
            return
        classes = str(self.classes)
        place = storage.join(folder, classes) if classes.endswith(".csv") else classes
        table = read_classes(place, self.ignore)
        create_tfrecords(images, masks, output, **options, **reading(table))
