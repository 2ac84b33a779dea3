/**
 * The backend {@code djl}: runs encoders on PyTorch through DJL. {@link
 * io.luciole.djl.DjlBackendProvider} is the only public class; {@link java.util.ServiceLoader}
 * finds it. docs/backends.md says how to install PyTorch and what models can be read.
 *
 * <p>The way of a batch:
 *
 * <pre>
 * DjlBackend.run          checks the batch, so that nothing invalid reaches native code
 *   Encoder.run           TorchEncoder (checkpoints) or ScriptedEncoder (TorchScript files)
 *     FreeMemory.require  refuses what the machine has no memory for
 *     BatchLayout         puts the texts into rows: by length, padded or packed
 *     TorchSession.run    runs encoder.pt in a scope that owns all native memory of the run
 *   BackendOutput         the results, copied to Java's heap
 * </pre>
 *
 * <p>The classes by their job:
 *
 * <ul>
 *   <li>finding and loading PyTorch: {@code TorchRuntime} loads it once in a process; {@code
 *       Natives} checks which native libraries are on the class path before DJL would download
 *       them; {@code CudaNatives} has those for CUDA
 *   <li>models: {@code TorchEncoder} with {@code TorchWeights} for checkpoints, {@code
 *       ScriptedEncoder} for TorchScript files
 *   <li>native memory: {@code TorchSession} owns it, {@code FreeMemory} guards it
 *   <li>failures: {@code TorchErrors} turns PyTorch's exceptions into those of the SPI
 * </ul>
 */
@API(status = API.Status.INTERNAL, since = "0.1")
@NullMarked
package io.luciole.djl;

import org.apiguardian.api.API;
import org.jspecify.annotations.NullMarked;
