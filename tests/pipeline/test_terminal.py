from pipeline.terminal import readable


def test_a_short_message_stays_as_it_is() -> None:
    assert readable(ValueError("two\n  lines of b'bytes'")) == "two\n  lines of b'bytes'"


def test_of_a_long_message_no_image_is_shown_but_the_reason() -> None:
    images = [bytes(range(256)) * 40, b"it's" * 500]
    try:
        try:
            try:
                raise OSError(f"sizes {images} differ")
            except OSError as error:
                raise ValueError(f"inputs {images}") from error
        except ValueError as error:
            raise RuntimeError(f"{error} [while running 'Inference']")  # noqa: B904 - as Beam does
    except RuntimeError as error:
        shown = readable(error)
    images_shown = "[b'…', b'…']"
    assert shown == (
        f"inputs {images_shown} [while running 'Inference'] Cause: sizes {images_shown} differ"
    )


def test_a_long_message_is_cut() -> None:
    shown = readable(ValueError("word " * 9000))
    assert len(shown) <= 1000
    assert shown.endswith("word …")
