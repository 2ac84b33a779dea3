package io.luciole.cli.embed;

import io.luciole.Output;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/** How vectors are written. */
public enum VectorFormat {
  /** One JSON object a line. */
  JSONL,
  /** Dense vectors as one NumPy array of float32, with the ids in a file beside it. */
  NPY,
  /** A Parquet file, a row a text. */
  PARQUET;

  /** {@return the name in flags} */
  public String id() {
    return name().toLowerCase(Locale.ROOT);
  }

  /**
   * Finds the format of a file.
   *
   * @param name the file's name
   * @return what the end of the name says, or JSON lines
   */
  public static VectorFormat ofName(String name) {
    String lower = name.toLowerCase(Locale.ROOT);
    return lower.endsWith(".npy") ? NPY : lower.endsWith(".parquet") ? PARQUET : JSONL;
  }

  /**
   * Tells whether outputs can be written so.
   *
   * @param outputs the outputs of each text
   * @return true if all can
   */
  public boolean holds(Set<Output> outputs) {
    return this != NPY || outputs.equals(Set.of(Output.DENSE));
  }

  /**
   * Names the files that are put in their places.
   *
   * @param target the file of the vectors
   * @return that file, and what goes beside it
   */
  public List<Path> files(Path target) {
    return this == NPY ? List.of(target, NpyVectors.idsBeside(target)) : List.of(target);
  }

  /**
   * Opens a writer in a folder.
   *
   * @param positions what {@link VectorWriter#sync} gave, to go on from there; empty to begin
   * @throws IOException if that fails, or the folder no longer holds what is to be gone on with
   */
  VectorWriter open(Path folder, VectorLayout layout, List<Long> positions) throws IOException {
    return switch (this) {
      case JSONL -> new JsonVectors(folder.resolve("vectors.jsonl"), layout, positions);
      case NPY -> new NpyVectors(folder.resolve("vectors.npy"), layout, positions);
      case PARQUET -> parquet(folder, layout, positions);
    };
  }

  private static VectorWriter parquet(Path folder, VectorLayout layout, List<Long> positions)
      throws IOException {
    try {
      return new ParquetVectors(folder, layout, positions);
    } catch (NoClassDefFoundError e) {
      throw new IOException(
          "Expected org.apache.parquet:parquet-hadoop and blue.strategic.parquet:parquet-floor on"
              + " the class path for Parquet, found none; Luciole's distribution has them",
          e);
    }
  }
}
