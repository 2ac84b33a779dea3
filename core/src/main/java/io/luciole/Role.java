package io.luciole;

/**
 * What a text is in a search. Some models put an instruction before a query (bge-small-en does);
 * BGE-M3 treats both alike.
 */
public enum Role {
  /** The text that is searched with. */
  QUERY,
  /** A text that can be found. */
  PASSAGE
}
