"""What no command, app or server may write to a terminal."""

import re

_NOTICE = re.compile(
    r"^[IWEF]\d{4} |absl::|^(WARNING|INFO):(absl|tensorflow)|cudart|cuda_platform|cuInit|oneDNN"
    r"|TensorFlow Lite|XNNPACK|fully_quantize|This TensorFlow binary",
    re.MULTILINE,
)


def notices(printed: str) -> list[str]:
    """Lines that TensorFlow, CUDA, LiteRT or absl wrote."""
    return [line for line in printed.splitlines() if _NOTICE.search(line)]
