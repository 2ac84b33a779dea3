/**
 * The backend {@code onnx}: runs encoders on ONNX Runtime, on CPUs and CUDA devices. {@link
 * io.luciole.onnx.OnnxBackendProvider} is the only public class; {@link java.util.ServiceLoader}
 * finds it. docs/backends.md says how to install it for GPUs and what models can be read.
 *
 * <p>The way of a batch:
 *
 * <pre>
 * OnnxBackend.run      checks the batch, so that nothing invalid reaches native code
 *   Encoder.run        CompiledEncoder (checkpoints) or ExportedEncoder (ONNX files)
 *     EncoderInputs    fills the graph's inputs for the chosen layout of attention
 *     OrtModel         a session of ONNX Runtime with named inputs and outputs
 *   BackendOutput      the results, in pooled buffers that closing the output returns
 * </pre>
 *
 * <p>The classes by their job:
 *
 * <ul>
 *   <li>ONNX Runtime: {@code OrtRuntime} loads it and lists devices, {@code CudaToolkits} names
 *       what it needs of CUDA, {@code OrtErrors} converts failures, {@code BufferPool} and {@code
 *       OutputBuffers} reuse native memory
 *   <li>checkpoints: {@code EncoderGraph} builds the ONNX graph with {@code GraphBuilder}, from
 *       {@code Projection} and {@code Int8Projection} (matrix products), {@code Attention} and its
 *       implementations, {@code Rotation} and {@code ScoreBias} (what attention knows of tokens'
 *       places), and {@code Initializers} (weights, mapped where possible); {@code LayoutPolicy}
 *       chooses the layout that a batch runs in
 *   <li>CUDA operators of our own: {@code CudaEncoder} adds them to the graph, {@code CudaTiles}
 *       cuts a batch for them, {@code FusedTrial} tries them when a model is opened. Their sources
 *       are in {@code src/main/cuda}
 *   <li>ONNX exports: {@code ExportLayout} recognises them by their outputs, {@code HeadModel}
 *       computes missing heads, {@code Vocabulary} counts the token ids, {@code BatchDependence}
 *       and {@code TextByText} handle models whose results depend on the batch
 *   <li>the processor: {@code ByteArithmetic} finds out whether products of bytes are exact
 * </ul>
 */
@API(status = API.Status.INTERNAL, since = "0.1")
@NullMarked
package io.luciole.onnx;

import org.apiguardian.api.API;
import org.jspecify.annotations.NullMarked;
