package io.luciole.onnx;

/** How a graph's attention sees the texts of a batch. All else works on tokens end to end. */
enum AttentionLayout {
  /**
   * One text after another in a loop of the graph: nothing is padded, and ONNX Runtime's CPU kernel
   * for a text without mask is the blocked one, whose memory grows with the text's length and not
   * its square. For CPUs.
   */
  LOOP,
  /** All texts at once, unpadded: {@code PackedMultiHeadAttention}. For CUDA devices only. */
  PACKED,
  /**
   * All texts at once, unpadded, all layers in one operator of this project: {@link CudaEncoder}.
   * For CUDA devices of compute capability 8.0 or later, in fp16.
   */
  FUSED,
  /**
   * All texts at once, unpadded, all layers in one operator of this project: {@link CpuLayers}. For
   * CPUs with AVX-512 and VNNI, in fp32, bf16 and int8.
   */
  LAYERS,
  /**
   * All texts at once, padded to the longest: {@code MultiHeadAttention} with each text's length.
   * For CUDA devices, where cuDNN's kernel wins on long texts of about equal length.
   */
  PADDED
}
