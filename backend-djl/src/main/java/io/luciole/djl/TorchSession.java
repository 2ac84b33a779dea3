package io.luciole.djl;

import ai.djl.engine.EngineException;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.IValue;
import ai.djl.pytorch.jni.JniUtils;
import io.luciole.Output;
import io.luciole.model.ModelFiles;
import io.luciole.spi.BackendConfig;
import io.luciole.spi.BackendException;
import io.luciole.spi.BackendOutOfMemoryException;
import io.luciole.spi.BackendOutput;
import io.luciole.spi.TokenBatch;
import java.io.IOException;
import java.io.InputStream;
import java.nio.FloatBuffer;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;

/**
 * The native memory of one model on one device, and the program {@code encoder.pt}. {@code
 * src/main/torchscript/make_encoder.py} writes the program and documents its arguments and results.
 *
 * <p>Objects of {@link #manager} live until {@link #close}. Objects of a run belong to the run's
 * scope and are freed with it. Results of a run are copied to Java's heap.
 */
final class TorchSession implements AutoCloseable {
  private static final String PROGRAM = "encoder.pt";

  /** The largest byte array that a JVM can allocate. */
  private static final long LARGEST_OUTPUT = Integer.MAX_VALUE - 8;

  final boolean accelerated;

  /** Native memory on the device. */
  final PtNDManager manager;

  /** Native memory on the CPU; the same object as {@link #manager} if the device is the CPU. */
  final PtNDManager host;

  final PtSymbolBlock program;
  private final FreeMemory memory;
  private final int threads;

  TorchSession(TorchRuntime runtime, BackendConfig settings, FreeMemory memory) {
    this.accelerated = settings.device().isAccelerator();
    this.memory = accelerated ? FreeMemory.unknown() : memory;
    this.threads = runtime.threads(settings.threads());
    this.manager = runtime.newManager(settings.device());
    try {
      this.host = accelerated ? manager.newSubManager(ai.djl.Device.cpu()) : manager;
      this.program = loadProgram(manager);
    } catch (Throwable t) {
      manager.close();
      throw t;
    }
  }

  private static PtSymbolBlock loadProgram(PtNDManager manager) {
    try (InputStream in = TorchSession.class.getResourceAsStream(PROGRAM)) {
      if (in == null) {
        throw new BackendException(
            "Expected "
                + PROGRAM
                + " beside the backend's classes, found none: the jar is broken.");
      }
      return JniUtils.loadModule(manager, in, false, false);
    } catch (IOException e) {
      throw new BackendException("Cannot read " + PROGRAM + ": " + e.getMessage(), e);
    }
  }

  /**
   * Chooses the outputs to prepare: those that will be asked for, or all if that is open.
   *
   * @param offered the outputs that the model's files allow
   * @param wanted the outputs that will be asked for, or none
   * @throws BackendException if the files do not allow a wanted output
   */
  static Set<Output> outputs(ModelFiles model, Set<Output> offered, Set<Output> wanted) {
    if (!offered.containsAll(wanted)) {
      throw new BackendException(
          "The model "
              + model.name()
              + " gives "
              + offered
              + ", not "
              + wanted
              + ": expected sparse_linear.pt for SPARSE and colbert_linear.pt for COLBERT in "
              + model.folder()
              + ". A model that has both is BAAI/bge-m3.");
    }
    return wanted.isEmpty() ? offered : wanted;
  }

  /** Runs an action in a scope of its own, and converts PyTorch's failures to those of the SPI. */
  <T> T run(Object what, Function<PtNDManager, T> body) {
    try (PtNDManager scope = (PtNDManager) host.newSubManager()) {
      // Both settings hold for the current thread. The optimizer would recompile the program for
      // every new shape.
      JniUtils.setNumThreads(threads);
      JniUtils.setGraphExecutorOptimize(false);
      return body.apply(scope);
    } catch (EngineException | OutOfMemoryError e) {
      throw TorchErrors.of("running " + what, e);
    }
  }

  /**
   * Refuses a batch that does not fit into memory, before it starts.
   *
   * @param rows rows of the batch, padding included
   * @param bytesPerRow bytes of a row when the run needs most memory
   * @param values number of values of the largest output
   * @throws BackendOutOfMemoryException if an array or the machine's memory is too small
   */
  void checkSize(TokenBatch batch, long rows, long bytesPerRow, long values) {
    long bytes = Float.BYTES * values;
    if (bytes > LARGEST_OUTPUT || rows > LARGEST_OUTPUT) {
      throw new BackendOutOfMemoryException(
          "An output of "
              + batch
              + " would take "
              + bytes
              + " bytes, more than an array can have.");
    }
    memory.require(rows * bytesPerRow, batch);
  }

  IValue longs(PtNDManager scope, Shape shape, long[] values) {
    PtNDArray array = scope.create(shape, DataType.INT64);
    if (values.length > 0) {
      array.toByteBuffer(true).asLongBuffer().put(values);
    }
    return onDevice(scope, array);
  }

  IValue ints(PtNDManager scope, Shape shape, int[] values) {
    PtNDArray array = scope.create(shape, DataType.INT32);
    if (values.length > 0) {
      array.toByteBuffer(true).asIntBuffer().put(values);
    }
    return onDevice(scope, array);
  }

  /** A tensor of booleans; 1 is true. */
  IValue flags(PtNDManager scope, Shape shape, byte[] values) {
    PtNDArray array = scope.create(shape, DataType.BOOLEAN);
    if (values.length > 0) {
      array.toByteBuffer(true).put(values);
    }
    return onDevice(scope, array);
  }

  private IValue onDevice(PtNDManager scope, PtNDArray array) {
    if (!accelerated) {
      return IValue.from(array);
    }
    PtNDArray there = array.toDevice(manager.getDevice(), true);
    there.attach(scope);
    return IValue.from(there);
  }

  /** The program's argument that says which outputs to compute. */
  static IValue wanted(Set<Output> wanted) {
    return IValue.listFrom(
        flag(wanted, Output.DENSE), flag(wanted, Output.SPARSE), flag(wanted, Output.COLBERT));
  }

  private static long flag(Set<Output> wanted, Output output) {
    return wanted.contains(output) ? 1 : 0;
  }

  /** Copies the results to the heap, so that reading them after close cannot crash the process. */
  static BackendOutput output(PtNDArray[] found, Set<Output> wanted) {
    Map<Output, FloatBuffer> values = new EnumMap<>(Output.class);
    int next = 0;
    for (Output output : List.of(Output.DENSE, Output.SPARSE, Output.COLBERT)) {
      if (wanted.contains(output)) {
        values.put(output, found[next++].toByteBuffer(false).asFloatBuffer());
      }
    }
    return new BackendOutput(values, () -> {});
  }

  int tensors() {
    return manager.getManagedArrays().size();
  }

  @Override
  public void close() {
    manager.close();
    if (accelerated) {
      JniUtils.emptyCudaCache();
    }
  }
}
