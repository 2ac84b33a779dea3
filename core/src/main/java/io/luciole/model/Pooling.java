package io.luciole.model;

/** How a text's vector is made from its tokens' last hidden states. */
public enum Pooling {
  /** The state of the first token. */
  CLS,
  /** The mean of the states of all tokens, padding left out. */
  MEAN,
  /** The state of the last token. */
  LAST
}
