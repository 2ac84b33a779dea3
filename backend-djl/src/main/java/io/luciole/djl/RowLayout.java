package io.luciole.djl;

import io.luciole.model.EncoderConfig;
import io.luciole.spi.Precision;
import io.luciole.spi.TokenBatch;

/** How the texts of a batch are put into rows; {@link BatchLayout} describes each. */
enum RowLayout {
  /** For CPUs. */
  UNPADDED {
    @Override
    BatchLayout of(TokenBatch batch, int firstPosition) {
      return BatchLayout.unpadded(batch, firstPosition);
    }
  },
  /** For GPUs, in fp32 or where scores have a bias, which the kernel of {@link #PACKED} lacks. */
  PADDED {
    @Override
    BatchLayout of(TokenBatch batch, int firstPosition) {
      return BatchLayout.padded(batch, firstPosition);
    }
  },
  /** For GPUs of compute capability 8.0 or later, in 16 bits. */
  PACKED {
    @Override
    BatchLayout of(TokenBatch batch, int firstPosition) {
      return BatchLayout.packed(batch, firstPosition);
    }
  };

  /** The largest head that PyTorch's flash attention takes; it takes multiples of 8. */
  private static final int LARGEST_HEAD = 256;

  /**
   * Arranges a batch.
   *
   * @param firstPosition the position of a text's first token
   */
  abstract BatchLayout of(TokenBatch batch, int firstPosition);

  /** The fastest layout that can compute an encoder on a device. */
  static RowLayout fastest(boolean accelerated, Precision precision, EncoderConfig config) {
    if (!accelerated) {
      return UNPADDED;
    }
    boolean flash =
        precision != Precision.FP32
            && config.headSize() % 8 == 0
            && config.headSize() <= LARGEST_HEAD
            && config.architecture().relativeBuckets() == 0;
    return flash ? PACKED : PADDED;
  }
}
