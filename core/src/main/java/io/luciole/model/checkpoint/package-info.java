/**
 * Reads the weight files of a model: safetensors and PyTorch's zip format, whole or sharded.
 *
 * <p>{@link io.luciole.model.checkpoint.Checkpoint} opens files and finds tensors by name, {@link
 * io.luciole.model.checkpoint.Tensor} maps one tensor's bytes and converts them. Opening reads
 * headers only; weights are mapped when they are asked for and never copied to the heap unless the
 * caller asks for that. A file is not trusted: nothing in it is executed, every length is checked
 * against the file before it is used, and whatever is wrong with it ends in a {@link
 * io.luciole.model.checkpoint.CheckpointException}.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
@NullMarked
package io.luciole.model.checkpoint;

import org.apiguardian.api.API;
import org.jspecify.annotations.NullMarked;
