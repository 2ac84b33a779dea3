package io.luciole.hub;

import static java.util.Objects.requireNonNull;

import io.luciole.internal.HubCache;
import org.jspecify.annotations.Nullable;

/**
 * What to pull. Immutable.
 *
 * @param revision a branch, a tag or a commit; null for the main branch
 * @param onnx whether to fetch an ONNX file rather than the checkpoint; without it, an ONNX file is
 *     fetched only from a repository that has no checkpoint
 * @param onnxFile which ONNX file, by its path in the repository; null for the usual one
 * @param offline whether to use what is on this machine and attempt no connection
 */
public record PullOptions(
    @Nullable String revision, boolean onnx, @Nullable String onnxFile, boolean offline) {
  /** The checkpoint on the main branch. */
  public static final PullOptions DEFAULT = new PullOptions(null, false, null, false);

  /** Checks the components. */
  public PullOptions {
    if (revision != null && !HubCache.isRevision(revision)) {
      throw new IllegalArgumentException(
          "expected a branch, a tag or a commit, got \"" + revision + '"');
    }
    if (onnxFile != null && !onnxFile.endsWith(".onnx")) {
      throw new IllegalArgumentException("expected an .onnx file, got \"" + onnxFile + '"');
    }
    if (onnxFile != null && !onnx) {
      throw new IllegalArgumentException("expected no ONNX file, as none is asked for");
    }
  }

  /**
   * A copy with another revision.
   *
   * @param revision a branch, a tag or a commit
   * @return the copy
   * @throws IllegalArgumentException if it cannot be a revision
   */
  public PullOptions withRevision(String revision) {
    return new PullOptions(requireNonNull(revision, "revision"), onnx, onnxFile, offline);
  }

  /**
   * A copy with the repository's usual ONNX file instead of the checkpoint.
   *
   * @return the copy
   */
  public PullOptions withOnnx() {
    return new PullOptions(revision, true, null, offline);
  }

  /**
   * A copy with one ONNX file of the repository instead of the checkpoint.
   *
   * @param file its path in the repository
   * @return the copy
   * @throws IllegalArgumentException if it does not end in {@code .onnx}
   */
  public PullOptions withOnnx(String file) {
    return new PullOptions(revision, true, requireNonNull(file, "file"), offline);
  }

  /**
   * A copy that attempts connections or does without.
   *
   * @param offline whether to use only what is on this machine
   * @return the copy
   */
  public PullOptions withOffline(boolean offline) {
    return new PullOptions(revision, onnx, onnxFile, offline);
  }

  String revisionOrMain() {
    return revision == null ? HubCache.MAIN : revision;
  }
}
