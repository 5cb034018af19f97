"""LiteRT models as flatbuffers: several put together to one, and files added to one."""

import io
import zipfile
from collections.abc import Mapping, Sequence

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

_IDENTIFIER = b"TFL3"
_ALIGNMENT = 16  # of weights, which kernels read in place
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same files give the same bytes


class Assembly:
    """A model made of others, one after the other.

    Attributes:
        inputs: the assembly's tensors that are its inputs, by name.

    Args:
        description: what the model is, for people.
    """

    def __init__(self, description: str) -> None:
        self.inputs: dict[str, int] = {}
        self._graph = schema.SubGraphT()
        self._graph.name = "main"
        self._graph.tensors, self._graph.operators = [], []
        self._model = schema.ModelT()
        self._model.version = 3
        self._model.description = description
        self._model.operatorCodes, self._model.subgraphs = [], [self._graph]
        self._model.buffers = [schema.BufferT()]  # the first one stays empty, as the format asks

    def append(self, content: bytes, **given: int) -> int:
        """Append a model.

        Args:
            content: of one graph, at most one signature, and one output.
            given: tensors of the assembly by the name of the input that each is; what is not given
                becomes an input of the assembly.

        Returns:
            The tensor of the assembly that is the output.
        """
        model = schema.ModelT.InitFromPackedBuf(content)
        (graph,) = model.subgraphs
        # Of some networks the converter writes no signature; their inputs have the same names.
        names = {index: graph.tensors[index].name.decode() for index in graph.inputs}
        for signature in model.signatureDefs:
            names |= {entry.tensorIndex: entry.name.decode() for entry in signature.inputs}
        codes, buffers = len(self._model.operatorCodes), len(self._model.buffers) - 1
        self._model.operatorCodes += model.operatorCodes
        self._model.buffers += model.buffers[1:]
        places = {-1: -1}  # an optional tensor that is left out
        for index, tensor in enumerate(graph.tensors):
            name = names.get(index)
            if name in given:
                places[index] = given[name]
                continue
            places[index] = len(self._graph.tensors)
            tensor.buffer += buffers if tensor.buffer else 0
            self._graph.tensors.append(tensor)
            if name is not None:
                self.inputs[name] = places[index]
        for operator in graph.operators:
            operator.opcodeIndex += codes
            operator.inputs = _moved(operator.inputs, places)
            operator.outputs = _moved(operator.outputs, places)
            if operator.intermediates is not None:
                operator.intermediates = _moved(operator.intermediates, places)
            self._graph.operators.append(operator)
        (output,) = graph.outputs
        return places[output]

    def finish(self, **outputs: int) -> bytes:
        """Return the model as a file; `outputs` are tensors of the assembly by their new names."""
        for name, index in (self.inputs | outputs).items():
            self._graph.tensors[index].name = name
        self._graph.inputs = np.array(list(self.inputs.values()), np.int32)
        self._graph.outputs = np.array(list(outputs.values()), np.int32)
        signature = schema.SignatureDefT()
        signature.signatureKey, signature.subgraphIndex = "serving_default", 0
        signature.inputs, signature.outputs = _mapping(self.inputs), _mapping(outputs)
        self._model.signatureDefs = [signature]
        builder = _Builder(2**20)
        builder.Finish(self._model.Pack(builder), _IDENTIFIER)
        return bytes(builder.Output())


def with_files(model: bytes, files: Mapping[str, str]) -> bytes:
    """Add files to a model as TFLite's metadata do: as a zip behind it, which `unzip` reads."""
    content = io.BytesIO(model)
    with zipfile.ZipFile(content, "a") as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), text)
    return content.getvalue()


class _Builder(flatbuffers.Builder):
    """Writes equal arrays once, and aligns them.

    The zero points of weights that are quantised by channel, 8 bytes each, are all 0: they would
    take a tenth of a small model.
    """

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self._written: dict[tuple[str, bytes], int] = {}

    def CreateNumpyVector(self, x: np.ndarray) -> int:
        """See flatbuffers."""
        key = x.dtype.str, x.tobytes()
        if key not in self._written:
            self.Prep(_ALIGNMENT, x.nbytes)
            self._written[key] = super().CreateNumpyVector(x)
        return self._written[key]


def _moved(indices: Sequence[int], places: Mapping[int, int]) -> np.ndarray:
    return np.array([places[index] for index in indices], np.int32)


def _mapping(tensors: Mapping[str, int]) -> list[schema.TensorMapT]:
    mapped = []
    for name, index in tensors.items():
        entry = schema.TensorMapT()
        entry.name, entry.tensorIndex = name, index
        mapped.append(entry)
    return mapped
