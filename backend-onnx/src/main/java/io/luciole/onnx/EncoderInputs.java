package io.luciole.onnx;

import ai.onnxruntime.OnnxJavaType;
import io.luciole.model.EncoderConfig;
import io.luciole.model.Pooling;
import io.luciole.spi.TokenBatch;
import java.nio.ByteBuffer;
import java.util.List;

/** Fills the inputs of an {@link EncoderGraph} with a batch; see there what each is. */
final class EncoderInputs {
  private final TokenBatch batch;
  private final EncoderConfig config;
  private final Pooling pooling;
  private final BufferPool pool;
  private final List<TensorBinding> bindings;

  /** Texts are this many tokens apart, or 0 where they lie end to end. */
  private final int stride;

  /**
   * Prepares to fill.
   *
   * @param bindings where bindings are put, so that the caller can give their buffers back
   */
  EncoderInputs(
      TokenBatch batch,
      AttentionLayout layout,
      EncoderConfig config,
      Pooling pooling,
      BufferPool pool,
      List<TensorBinding> bindings) {
    this.batch = batch;
    this.config = config;
    this.pooling = pooling;
    this.pool = pool;
    this.bindings = bindings;
    this.stride = layout == AttentionLayout.PADDED ? batch.maxLength() : 0;
  }

  /** Adds the input of this name. */
  void add(String name) {
    int texts = batch.size();
    long nodes = stride > 0 ? (long) texts * stride : batch.tokens();
    switch (name) {
      case EncoderGraph.TOKEN_IDS -> tokenIds(binding(name, OnnxJavaType.INT32, nodes));
      case EncoderGraph.POSITIONS -> positions(binding(name, OnnxJavaType.INT32, nodes));
      case EncoderGraph.ROWS -> rows(binding(name, OnnxJavaType.INT64, texts));
      case EncoderGraph.TEXTS -> texts(binding(name, OnnxJavaType.INT64, batch.tokens(), 1));
      case EncoderGraph.LENGTHS -> {
        ByteBuffer out = binding(name, OnnxJavaType.FLOAT, texts, 1);
        for (int i = 0; i < texts; i++) {
          out.putFloat(batch.length(i));
        }
      }
      case EncoderGraph.STARTS -> {
        ByteBuffer out = binding(name, OnnxJavaType.INT64, texts + 1);
        for (int i = 0; i <= texts; i++) {
          out.putLong(batch.offset(i));
        }
      }
      case EncoderGraph.WINDOWS -> windows(name);
      case EncoderGraph.CUMULATIVE -> {
        ByteBuffer out = binding(name, OnnxJavaType.INT32, texts + 1);
        for (int i = 0; i <= texts; i++) {
          out.putInt(batch.offset(i));
        }
      }
      case EncoderGraph.MASK -> {
        ByteBuffer out = binding(name, OnnxJavaType.INT32, texts);
        for (int i = 0; i < texts; i++) {
          out.putInt(batch.length(i));
        }
      }
      case EncoderGraph.TOKEN_OFFSET ->
          tokenOffset(binding(name, OnnxJavaType.INT32, texts, batch.maxLength()));
      case EncoderGraph.NON_PADDING ->
          nonPadding(binding(name, OnnxJavaType.INT64, batch.tokens()));
      case EncoderGraph.GRID ->
          binding(name, OnnxJavaType.INT64, 3)
              .putLong(texts)
              .putLong(batch.maxLength())
              .putLong(config.hidden());
      case EncoderGraph.TILES -> {
        int[] all = CudaTiles.of(batch, CudaTiles.queries(batch));
        ByteBuffer out =
            binding(name, OnnxJavaType.INT32, all.length / CudaTiles.WIDTH, CudaTiles.WIDTH);
        put(out, all);
      }
      case EncoderGraph.TOKENS ->
          tokens(binding(name, OnnxJavaType.INT32, batch.tokens(), CudaEncoder.TOKEN_WIDTH));
      case EncoderGraph.QUERIES ->
          binding(name, OnnxJavaType.INT64, 1).putLong(CudaTiles.queries(batch));
      default -> throw new IllegalStateException("the graph has an unknown input " + name);
    }
    ByteBuffer filled = bindings.get(bindings.size() - 1).buffer();
    if (filled.hasRemaining()) {
      throw new IllegalStateException(filled.remaining() + " bytes of " + name + " were not set");
    }
    filled.rewind();
  }

  private void windows(String name) {
    int block = LoopAttention.BLOCK;
    int window = config.architecture().window();
    int turns = 0;
    for (int i = 0; i < batch.size(); i++) {
      turns += (batch.length(i) + block - 1) / block;
    }
    ByteBuffer out = binding(name, OnnxJavaType.INT64, turns, 4);
    for (int i = 0; i < batch.size(); i++) {
      int start = batch.offset(i);
      int end = batch.offset(i + 1);
      for (int from = start; from < end; from += block) {
        int to = Math.min(from + block, end);
        out.putLong(from).putLong(to);
        out.putLong(Math.max(from - window, start)).putLong(Math.min(to + window, end));
      }
    }
  }

  private ByteBuffer binding(String name, OnnxJavaType type, long... shape) {
    TensorBinding binding = TensorBinding.from(pool, name, type, shape);
    bindings.add(binding);
    return binding.buffer();
  }

  /** Where a text starts among the graph's tokens. */
  private int start(int text) {
    return stride > 0 ? text * stride : batch.offset(text);
  }

  /** How many of the graph's tokens a text has, padding included. */
  private int width(int text) {
    return stride > 0 ? stride : batch.length(text);
  }

  private void tokenIds(ByteBuffer out) {
    for (int i = 0; i < batch.size(); i++) {
      for (int j = 0; j < width(i); j++) {
        out.putInt(j < batch.length(i) ? batch.tokenIds()[batch.offset(i) + j] : 0);
      }
    }
  }

  private void positions(ByteBuffer out) {
    for (int i = 0; i < batch.size(); i++) {
      int next = config.firstPosition();
      for (int j = 0; j < width(i); j++) {
        boolean pad = j >= batch.length(i) || isPadding(batch.tokenIds()[batch.offset(i) + j]);
        out.putInt(pad ? paddingPosition() : next++);
      }
    }
  }

  private void tokens(ByteBuffer out) {
    int[] all = new int[batch.tokens() * CudaEncoder.TOKEN_WIDTH];
    int at = 0;
    for (int i = 0; i < batch.size(); i++) {
      int from = batch.offset(i);
      int to = batch.offset(i + 1);
      int next = config.firstPosition();
      for (int j = from; j < to; j++) {
        int id = batch.tokenIds()[j];
        all[at++] = id;
        all[at++] = isPadding(id) ? paddingPosition() : next++;
        all[at++] = from;
        all[at++] = to;
      }
    }
    put(out, all);
  }

  /** At once: number by number, large batches of small encoders wait for it. */
  private static void put(ByteBuffer out, int[] values) {
    out.asIntBuffer().put(values);
    out.position(out.position() + values.length * Integer.BYTES);
  }

  /**
   * BERT counts all tokens. RoBERTa counts those that are not padding, and gives padding the row
   * before the first, be it behind a text or, as a token of that id, inside one.
   */
  private boolean isPadding(int id) {
    return id == config.firstPosition() - 1;
  }

  private int paddingPosition() {
    return Math.max(config.firstPosition() - 1, 0);
  }

  private void rows(ByteBuffer out) {
    for (int i = 0; i < batch.size(); i++) {
      out.putLong(start(i) + (pooling == Pooling.LAST ? batch.length(i) - 1 : 0));
    }
  }

  private void texts(ByteBuffer out) {
    for (int i = 0; i < batch.size(); i++) {
      for (int j = 0; j < batch.length(i); j++) {
        out.putLong(i);
      }
    }
  }

  private void nonPadding(ByteBuffer out) {
    for (int i = 0; i < batch.size(); i++) {
      for (int j = 0; j < batch.length(i); j++) {
        out.putLong(start(i) + j);
      }
    }
  }

  /** Padded positions {@code b·S + j} of the real tokens, then those of the padding. */
  private void tokenOffset(ByteBuffer out) {
    int longest = batch.maxLength();
    for (int i = 0; i < batch.size(); i++) {
      for (int j = 0; j < batch.length(i); j++) {
        out.putInt(i * longest + j);
      }
    }
    for (int i = 0; i < batch.size(); i++) {
      for (int j = batch.length(i); j < longest; j++) {
        out.putInt(i * longest + j);
      }
    }
  }
}
