import pytest

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


PROTO = 'features {\n  feature {\n    key: "image"\n    value: "\\377\\330"\n  }\n}'
OF_TENSORFLOW = """\
Graph execution error:

Detected at node decode_image/DecodeImage defined at (most recent call last):
  File "models/data.py", line 12, in load
    decode(image)
<stack traces unavailable>
{{function_node __wrapped__IteratorGetNext}} Input is empty.
\t [[{{node decode_image/DecodeImage}}]]
\t [[IteratorGetNext]] [Op:__inference_one_step_12] name: """


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        (OF_TENSORFLOW, "Input is empty."),
        (f"No example: {PROTO} in shard 3", "No example: {…} in shard 3"),
        (f"No example: {PROTO[:40]}", "No example: {…}"),
        (f"No image: {bytes(range(99))!r}", "No image: b'…'"),
    ],
)
def test_a_reason_is_told_without_what_nobody_reads(message: str, shown: str) -> None:
    assert readable(ValueError(message)) == shown
