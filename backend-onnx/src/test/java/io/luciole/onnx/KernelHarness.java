package io.luciole.onnx;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Locale;

/**
 * Single kernels of the CUDA operator, run by the program of {@code src/test/cuda/kernel_harness.c}
 * in a process of its own. Buffers have names; those that nothing was written to hold NaN.
 */
final class KernelHarness implements AutoCloseable {
  private static final String PROGRAM = "/native/kernel_harness";

  private final Process process;
  private final DataInputStream in;
  private final OutputStream out;

  /** 90 for compute capability 9.0. */
  final int capability;

  private KernelHarness(Process process, DataInputStream in, OutputStream out, int capability) {
    this.process = process;
    this.in = in;
    this.out = out;
    this.capability = capability;
  }

  /** Starts the program; aborts the test, with the reason, where there is no device. */
  static KernelHarness open() throws IOException, URISyntaxException {
    URL program = KernelHarness.class.getResource(PROGRAM);
    assumeThat(program).as("the harness was not built (-Dcuda.skip, or not Linux)").isNotNull();
    Process process =
        new ProcessBuilder(Path.of(requireNonNull(program).toURI()).toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    DataInputStream in = new DataInputStream(new BufferedInputStream(process.getInputStream()));
    String line = line(in);
    if (line.startsWith("none ")) {
      String reason = "The kernel tests are skipped, no CUDA device: " + line.substring(5);
      System.out.println(reason);
      assumeThat(line).as(reason).startsWith("ok");
    }
    String[] hello = line.split(" ", 3);
    System.out.println("kernels on " + hello[2]);
    return new KernelHarness(
        process,
        in,
        new BufferedOutputStream(process.getOutputStream()),
        Integer.parseInt(hello[1]));
  }

  /** What follows runs with what the operator has for encoders of this size; drops all buffers. */
  void state(int hidden, int inner) throws IOException {
    command("free");
    command("state " + hidden + " " + inner);
  }

  /** A buffer of NaN. */
  void alloc(String name, int rows, int rowBytes) throws IOException {
    command("alloc " + name + " " + (long) rows * rowBytes);
  }

  void halfs(String name, float[] values) throws IOException {
    byte[] bytes = new byte[values.length * 2];
    ByteBuffer to = wrap(bytes);
    for (float value : values) {
      to.putShort(Float.floatToFloat16(value));
    }
    write(name, bytes);
  }

  void floats(String name, double[] values) throws IOException {
    byte[] bytes = new byte[values.length * 4];
    ByteBuffer to = wrap(bytes);
    for (double value : values) {
      to.putFloat((float) value);
    }
    write(name, bytes);
  }

  void ints(String name, int[] values) throws IOException {
    byte[] bytes = new byte[values.length * 4];
    wrap(bytes).asIntBuffer().put(values);
    write(name, bytes);
  }

  void longs(String name, long[] values) throws IOException {
    byte[] bytes = new byte[values.length * 8];
    wrap(bytes).asLongBuffer().put(values);
    write(name, bytes);
  }

  void e4m3(String name, byte[] values) throws IOException {
    write(name, values);
  }

  double[] readE4m3(String name) throws IOException {
    ByteBuffer bytes = read(name);
    double[] values = new double[bytes.remaining()];
    for (int i = 0; i < values.length; i++) {
      values[i] = KernelReference.fromE4m3(bytes.get(i));
    }
    return values;
  }

  double[] readHalfs(String name) throws IOException {
    ByteBuffer bytes = read(name);
    double[] values = new double[bytes.remaining() / 2];
    for (int i = 0; i < values.length; i++) {
      values[i] = Float.float16ToFloat(bytes.getShort(i * 2));
    }
    return values;
  }

  double[] readFloats(String name) throws IOException {
    ByteBuffer bytes = read(name);
    double[] values = new double[bytes.remaining() / 4];
    for (int i = 0; i < values.length; i++) {
      values[i] = bytes.getFloat(i * 4);
    }
    return values;
  }

  int[] readInts(String name) throws IOException {
    ByteBuffer bytes = read(name);
    int[] values = new int[bytes.remaining() / 4];
    bytes.asIntBuffer().get(values);
    return values;
  }

  /**
   * Runs a kernel once, and then as often again as its speed takes to be measured.
   *
   * @return microseconds of a run
   */
  double run(int repeat, Object... words) throws IOException {
    command("repeat " + repeat);
    StringBuilder line = new StringBuilder();
    for (Object word : words) {
      line.append(word).append(' ');
    }
    return Double.parseDouble(command(line.toString()));
  }

  private void write(String name, byte[] bytes) throws IOException {
    alloc(name, 1, bytes.length);
    out.write(("write " + name + "\n").getBytes(StandardCharsets.UTF_8));
    out.write(bytes);
    out.flush();
    answer("write " + name);
  }

  private ByteBuffer read(String name) throws IOException {
    byte[] bytes = new byte[Integer.parseInt(command("read " + name))];
    in.readFully(bytes);
    return wrap(bytes);
  }

  private String command(String line) throws IOException {
    out.write((line + "\n").getBytes(StandardCharsets.UTF_8));
    out.flush();
    return answer(line);
  }

  private String answer(String to) throws IOException {
    String answer = line(in);
    if (!answer.startsWith("ok")) {
      throw new IOException(String.format(Locale.ROOT, "%s: %s", to.strip(), answer));
    }
    return answer.substring(2).strip();
  }

  private static String line(DataInputStream in) throws IOException {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    for (int c = in.read(); c != '\n'; c = in.read()) {
      if (c < 0) {
        throw new IOException("The harness ended; the last that it said: " + line);
      }
      line.write(c);
    }
    return line.toString(StandardCharsets.UTF_8);
  }

  private static ByteBuffer wrap(byte[] bytes) {
    return ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder());
  }

  @Override
  public void close() throws IOException {
    out.close();
    process.destroy();
  }
}
